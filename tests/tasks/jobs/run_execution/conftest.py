"""Fixtures: executions with brief waits, and a removal of folders that a test holds."""

import tempfile
from collections.abc import Iterator
from datetime import timedelta

import pytest
from executions import Executions
from full import SQLITE_OR_ALL
from waiting import Held
from world import World

from tasks.delivery import ledger_retry
from tasks.jobs import heartbeat, run_execution
from tasks.process import temp_dirs

BRIEFLY = timedelta(seconds=0.02)


@pytest.fixture(params=SQLITE_OR_ALL)
def database(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


@pytest.fixture
def executions(world: World, monkeypatch: pytest.MonkeyPatch) -> Executions:
    for name in ("HEARTBEAT_EVERY", "RETRY_AFTER", "CANCEL_CHECK_EVERY"):
        monkeypatch.setattr(heartbeat, name, BRIEFLY)
    monkeypatch.setattr(run_execution, "POLL_EVERY", BRIEFLY)
    monkeypatch.setattr(ledger_retry, "RETRY_EVERY", BRIEFLY)
    monkeypatch.setattr(heartbeat, "HEARTBEAT_TIMEOUT", timedelta(hours=1))
    return Executions(world)


@pytest.fixture
def held(
    executions: Executions,  # noqa: ARG001  # let go before the ledger closes
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Held]:
    """The removal of a job's folders, in a place where no other test leaves any."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("scratch")))
    with Held() as removal:
        monkeypatch.setattr(temp_dirs, "remove", removal.up(temp_dirs.remove))
        yield removal
