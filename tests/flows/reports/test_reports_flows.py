"""The flows `reconcile-reports` and `retry-reports`."""

from datetime import UTC, datetime, timedelta

import pytest
from flow_rig import Rig
from flow_runs import log_of, run
from ledger_jobs import order, run_job
from steps import go_on
from transactions import at

from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from flows.reconcile_reports import reconcile_reports
from flows.retry_reports import retry_reports
from settings import Settings
from storage.delivery import leases
from storage.delivery.leases import Lease
from storage.models import Reconciliation, StatusReport
from tasks.delivery.open_reporter import open_reporter


async def recorded(rig: Rig, *contexts: str, state: JobState = JobState.SUCCEEDED) -> None:
    """Jobs that have ended, one for each context; nothing is sent."""
    async with rig.ledger() as ledger:
        for context in contexts:
            await run_job(ledger, order(context, sha=rig.sha), state)


async def reconciled(rig: Rig) -> tuple[int, int]:
    """Make a reconciliation run; return its row's numbers of delivered and remaining reports."""
    done = await run(reconcile_reports)
    assert done.shows[0] == "COMPLETED"
    row = (await rig.rows(Reconciliation))[-1]
    assert row.run_id == done.id
    assert row.ended_at is not None
    return row.delivered, row.undelivered


async def test_the_reconciliation_delivers_due_reports_and_counts_them(rig: Rig) -> None:
    await recorded(rig, "docs/a", "docs/b")
    assert await reconciled(rig) == (2, 0)
    assert rig.states() == ["success", "success"]
    assert await reconciled(rig) == (0, 0)


async def test_the_reconciliation_logs_its_result(rig: Rig) -> None:
    await recorded(rig, "docs/a")
    done = await run(reconcile_reports)
    assert await log_of(done.id, "delivered 1, undelivered 0")


async def test_the_reconciliation_recovers_the_lease_of_a_sender_that_died(rig: Rig) -> None:
    await recorded(rig, "docs/a")
    async with open_reporter(Settings(), actor="another") as other:
        with other.ledger.transaction() as tx:
            lease = leases.claim(at(tx, actor="x", now=rig.now()), 1, only_if_due=True, policy=other.policy)
        assert isinstance(lease, Lease)
        await other.surface.create(lease.report, "a-token")
    rig.skipped += timedelta(seconds=31)
    assert await reconciled(rig) == (1, 0)
    assert rig.states() == ["success"]
    assert rig.posts() == 1


async def retried(**parameters: object) -> tuple[str, str]:
    """State and message of a retry-reports flow run."""
    done = await run(retry_reports, parameters)
    return done.shows[1], done.shows[2]


async def refused(rig: Rig, *contexts: str) -> None:
    """Run jobs whose outcomes GitHub rejects."""
    rig.fault(Kind.ARCHIVED, times=len(contexts))
    await recorded(rig, *contexts)
    await reconciled(rig)
    assert [phase for _, phase in await rig.phases()][1::2] == [Phase.REJECTED] * len(contexts)


async def test_a_refused_report_is_delivered_once_its_cause_is_gone(rig: Rig) -> None:
    await refused(rig, "docs/a", "docs/b")
    assert await retried(repository="ACME/site") == ("Completed", "2 delivered")
    assert rig.states() == ["success", "success"]


async def test_a_report_that_is_refused_again_is_named(rig: Rig) -> None:
    await refused(rig, "docs/a", "docs/b")
    rig.fault(Kind.ARCHIVED, context="docs/b")
    assert await retried(reason="archived") == ("Failed", "1 of 2 are still undelivered: [4]")
    assert rig.states() == ["success"]


async def test_reports_beyond_the_time_limit_are_reopened_for_the_reconciliation(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await refused(rig, "docs/a", "docs/b", "docs/c")

    async def take_long(name: str) -> None:
        if name == "POST answered":
            rig.skipped += timedelta(seconds=20)

    monkeypatch.setenv("REPORTBACK_PASS_BUDGET", "20s")
    rig.step = take_long
    done = await run(retry_reports, {"repository": "acme/site"})
    assert done.shows == ("COMPLETED", "Completed", "1 delivered, 2 left to the reconciliation")
    assert await log_of(done.id, "report 6: due, and left to the reconciliation")
    rig.step = go_on
    assert await reconciled(rig) == (2, 0)
    assert rig.states() == ["success"] * 3


async def test_a_superseded_report_is_left_alone_and_said_to_be(rig: Rig) -> None:
    await refused(rig, "docs/a")
    await recorded(rig, "docs/a", state=JobState.FAILED)
    await reconciled(rig)
    done = await run(retry_reports, {"reports": [2]})
    assert done.shows == ("COMPLETED", "Completed", "nothing to deliver")
    assert await log_of(done.id, "report 2: delivered, superseded or unknown: left alone")
    assert rig.states() == ["failure"]
    reports = await rig.rows(StatusReport)
    assert reports[1].rejected_at is not None


async def test_nothing_selected_is_refused(rig: Rig) -> None:
    await refused(rig, "docs/a")
    assert await retried() == (
        "Failed",
        "nothing was selected: name reports, job, repository, reason or since",
    )
    assert rig.states() == []


async def test_a_time_without_its_zone_is_refused_by_its_name(rig: Rig) -> None:
    await refused(rig, "docs/a")
    name, message = await retried(since=datetime.now(UTC).replace(tzinfo=None).isoformat())
    assert name == "Failed"
    assert "since: Input should have timezone info" in message
