"""A reconciliation run exports its metrics; an export that fails does not fail the run."""

from datetime import timedelta

import pytest
from flow_rig import Rig
from flow_runs import log_of, run
from ledger_jobs import order, run_job

from flows.reconcile_reports import reconcile_reports
from storage import counters
from storage.operations.event_counts import EVENTS


async def test_a_pushgateway_that_is_down_is_logged_and_the_run_succeeds(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_PUSHGATEWAY_URL", "http://user:pa55word@127.0.0.1:9")
    async with rig.ledger() as ledger:
        await run_job(ledger, order("docs/a", sha=rig.sha))
    done = await run(reconcile_reports)
    assert done.shows[0] == "COMPLETED"
    assert rig.states() == ["success"]
    log = await log_of(done.id, "the Pushgateway cannot be reached", "delivered 1, undelivered 0")
    assert "pa55word" not in log


async def test_a_run_adds_old_rows_to_the_totals(rig: Rig) -> None:
    async with rig.ledger() as ledger:
        await run_job(ledger, order("docs/a", sha=rig.sha))
    await run(reconcile_reports)
    rig.skipped += timedelta(hours=2)
    await run(reconcile_reports)
    async with rig.ledger() as ledger:
        with ledger.transaction() as tx:
            assert counters.read(tx)[EVENTS] > 0
