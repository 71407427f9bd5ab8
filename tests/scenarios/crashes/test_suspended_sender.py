"""The limit of the promise: a process suspended between its last check and its request sends late.

Nothing can prevent this. The duplicate is noticed and counted, and the newest status is shown again if it was covered.
"""

import os
import signal
from pathlib import Path

import pytest
from full import SQLITE_OR_ALL
from ledger_jobs import order, run_job
from sender_process import Later, sender
from sending import held_by_context, process_that, reconcile, target_of
from sqlmodel import select
from waiting import soon, until

from domain.delivery.report import EventKind
from domain.jobs.job_states import JobState
from fake_github.process import running
from storage.ledger import Ledger, open_ledger
from storage.models import ReportEvent, StatusReport, StatusTarget
from tasks.delivery.verify import to_verify, verify_target


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"


async def stories(ledger: Ledger, context: str) -> dict[str, list[str]]:
    """What happened to each report of a context, by its state."""
    with ledger.transaction() as tx:
        found = tx.session.exec(
            select(StatusReport.state, ReportEvent.kind)
            .join(StatusTarget)
            .join(ReportEvent)
            .where(StatusTarget.context == context)
            .order_by(ReportEvent.id)  # type: ignore[arg-type]  # SQLModel types a column as its value
        )
        history: dict[str, list[str]] = {}
        for state, kind in found:
            history.setdefault(state, []).append(kind)
        return history


@pytest.mark.parametrize("database", SQLITE_OR_ALL)
async def test_a_late_status_of_a_suspended_process_is_counted_and_no_longer_covers(ledger_url: str) -> None:
    time = Later()
    async with (
        open_ledger(ledger_url, clock=time.of_ledger) as ledger,
        running() as stand_in,
        sender(ledger_url, stand_in.url, time) as successor,
    ):
        for context in ("doubled", "covering"):
            await run_job(ledger, order(context), JobState.FAILED)
        ids = [await target_of(ledger, context) for context in ("doubled", "covering")]
        async with process_that("stops", ledger_url, stand_in.url, *ids) as process:
            await until(lambda: is_stopped(process.pid))
            time.pass_by(60)
            await run_job(ledger, order("covering"))
            await reconcile(successor, time)
            assert await held_by_context(stand_in) == {"doubled": ["failure"], "covering": ["success"]}
            os.kill(process.pid, signal.SIGCONT)
            await soon(process.wait(), "the end of the sender that goes on")
        assert await held_by_context(stand_in) == {
            "doubled": ["failure", "failure"],
            "covering": ["success", "failure"],
        }

        time.pass_by(600)
        assert [await verify_target(successor, number) for number in sorted(await to_verify(successor))] == [
            False,
            True,
        ]
        await reconcile(successor, time)
        end = {"doubled": ["failure", "failure"], "covering": ["success", "failure", "success"]}
        assert await held_by_context(stand_in) == end
        time.pass_by(7200)
        assert [await verify_target(successor, number) for number in await to_verify(successor)] == [False] * len(ids)
        assert await held_by_context(stand_in) == end
        assert (await stories(ledger, "doubled"))["failure"][-2:] == [EventKind.LATE, EventKind.DOUBLED]
        covering = await stories(ledger, "covering")
        assert EventKind.LATE in covering["failure"]
        assert EventKind.REPAIRED in covering["success"]
