"""One Prefect server for all tests of flows, and a rig for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from flow_rig import Rig, make_origin, prefect_server, rig_in
from waiting import end_what_is_left


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with prefect_server(tmp_path_factory.mktemp("certificates")):
        yield


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The URL of a repository, and its commit."""
    return make_origin(tmp_path_factory.mktemp("origin"))


@pytest.fixture
def database() -> str:
    """Flows run on SQLite: the ledger's statements are proved on both databases elsewhere."""
    return "sqlite"


@pytest.fixture
async def no_task_is_left(prefect: None) -> AsyncIterator[None]:  # noqa: ARG001  # a flow run needs it to its end
    """A flow run that a failed test left at work ends with that test."""
    yield
    await end_what_is_left()


@pytest.fixture
def rig(
    no_task_is_left: None,  # noqa: ARG001  # ended before the settings are undone
    ledger_url: str,
    origin: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Rig:
    return rig_in(tmp_path, ledger_url, origin, monkeypatch)
