"""A docs job whose ledger is unavailable at its start, or whose Prefect engine fails to report."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import pytest
from failing import Locked
from flow_rig import Rig
from flow_runs import log_of
from prefect.exceptions import Abort

from domain.delivery.notifications import Publish
from domain.delivery.report import Phase
from flows import docs_job as module
from settings import Settings
from storage import engines
from storage.models import Job
from tasks.delivery import ledger_retry
from tasks.delivery.open_reporter import open_reporter
from tasks.delivery.reporter import Reporter


@pytest.fixture
def locked(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Locked:
    """The rig's ledger, which waits for a lock as long as nothing."""
    monkeypatch.setattr(engines, "LOCK_WAIT", 0.02)
    monkeypatch.setattr("tasks.delivery.ledger_retry.RETRY_EVERY", timedelta(seconds=0.1))
    return Locked(rig.ledger_file)


async def test_a_ledger_unavailable_at_the_start_is_waited_for(
    rig: Rig, locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[object]()
    asked_again = asyncio.Event()

    def opening(settings: Settings, actor: str, publish: Publish) -> AbstractAsyncContextManager[Reporter]:
        asked.append(settings)
        if len(asked) > 1:
            asked_again.set()
        return open_reporter(settings, actor, publish)

    monkeypatch.setattr(ledger_retry, "open_reporter", opening)
    rig.job_is("exit 0", after_pending=False)
    await locked.strike()
    running = asyncio.create_task(rig.run_job(target=None))
    waiting = asyncio.create_task(asked_again.wait())
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert not running.done()
    finally:
        waiting.cancel()
        locked.mend()
    done = await running
    assert done.shows[0] == "COMPLETED"
    await log_of(done.id, "the ledger could not be opened, and is tried again for up to ", "locked")


async def test_a_ledger_that_stays_unavailable_fails_the_run_before_acceptance(
    rig: Rig, locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.docs_job.A_MINUTE", timedelta(seconds=0.3))
    await locked.strike()
    try:
        done = await rig.run_job()
    finally:
        locked.mend()
    assert done.shows[0] == "FAILED"
    assert "LedgerUnavailable" in done.shows[2]
    assert "locked" in done.shows[2]
    assert await rig.rows(Job) == []


class FailingEngine:
    """A task of which Prefect's engine makes nothing."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def with_options(self, **_: object) -> "FailingEngine":
        return self

    async def __call__(self, *_: object, **__: object) -> None:
        raise self._error


@pytest.mark.parametrize("error", [RuntimeError("the engine stalled"), Abort("not allowed")], ids=repr)
async def test_an_engine_that_fails_to_report_leaves_the_jobs_outcome_alone_and_due(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(module, "report_status", FailingEngine(error))
    rig.job_is("exit 0", after_pending=False)
    done = await rig.run_job()
    assert done.shows[0] == "COMPLETED"
    assert await rig.phases() == [("pending", Phase.SUPERSEDED), ("success", Phase.DUE)]
    await log_of(done.id, "report 1 is left to the reconciliation: ", "report 2 is left to the reconciliation: ")
