"""Reconciliation runs under Prefect: late ones, dead ones, and old ones, which are deleted."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from flow_rig import Rig
from flow_runs import deployed, run_made, run_of, state_name_of
from prefect import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Failed, Running, Scheduled
from transactions import at

from fake_github.faults import Kind
from flows.reconcile_reports import reconcile_reports
from storage.delivery import reconciliation_runs
from tasks.runs.correct_run_states import crash_dead_reconciliations

FIVE_MINUTES = timedelta(minutes=5)


def ago(span: timedelta) -> State[None]:
    return Scheduled(scheduled_time=datetime.now(UTC) - span)


async def has_passed(rig: Rig, ended: datetime, *, took: timedelta = timedelta(seconds=5)) -> None:
    """Record that another reconciliation run ended at that time."""
    async with rig.ledger() as ledger:
        with ledger.transaction() as tx:
            pass_id = reconciliation_runs.begin(at(tx, now=ended - took), uuid4())
            reconciliation_runs.end(at(tx, now=ended), pass_id, began=ended - took, delivered=0, undelivered=0)


async def test_a_late_run_leaves_its_work_to_the_run_that_has_done_it(rig: Rig) -> None:
    deployment_id = await deployed(reconcile_reports)
    late = await run_of(deployment_id, ago(FIVE_MINUTES))
    await has_passed(rig, datetime.now(UTC) - timedelta(minutes=4))
    done = await run_made(reconcile_reports, late)
    assert done.shows == ("COMPLETED", "Completed", "late, skipped: another reconciliation run has succeeded meanwhile")


@pytest.mark.parametrize(
    ("ended", "took"),
    [
        pytest.param(6, timedelta(seconds=5), id="the other had ended before"),
        pytest.param(4, timedelta(minutes=2), id="it had begun before, and may have searched for lost jobs then"),
    ],
)
async def test_a_late_run_works_if_no_other_has_done_all_since_it_was_due(
    rig: Rig, ended: int, took: timedelta
) -> None:
    late = await run_of(await deployed(reconcile_reports), ago(FIVE_MINUTES))
    await has_passed(rig, datetime.now(UTC) - timedelta(minutes=ended), took=took)
    assert (await run_made(reconcile_reports, late)).shows[2] == "delivered 0, undelivered 0"


@pytest.mark.usefixtures("rig")
async def test_one_late_run_does_the_work_of_all() -> None:
    deployment_id = await deployed(reconcile_reports)
    late = [await run_of(deployment_id, ago(n * FIVE_MINUTES)) for n in range(1, 5)]
    soon = await run_of(deployment_id, ago(timedelta(seconds=5)))
    another = await run_of(await deployed(reconcile_reports), ago(FIVE_MINUTES))
    await run_made(reconcile_reports, late[0])
    assert [await state_name_of(one) for one in late] == ["Completed", "Cancelled", "Cancelled", "Cancelled"]
    assert [await state_name_of(one) for one in (soon, another)] == ["Scheduled", "Scheduled"]


@pytest.mark.usefixtures("rig")
async def test_a_reconciliation_run_whose_process_died_becomes_crashed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPORTBACK_INTERVAL", "REPORTBACK_PASS_BUDGET"):
        monkeypatch.setenv(name, "PT0.01S")
    deployment_id = await deployed(reconcile_reports)
    died = await run_of(deployment_id, ago(timedelta(0)))
    async with get_client() as client:
        await client.set_flow_run_state(died, Running())
    await run_made(reconcile_reports, await run_of(deployment_id, ago(timedelta(0))))
    assert await state_name_of(died) == "Crashed"


@pytest.mark.usefixtures("rig")
async def test_a_retried_run_counts_from_the_retry_and_not_from_its_first_start() -> None:
    deployment_id = await deployed(reconcile_reports)
    retried = await run_of(deployment_id, ago(timedelta(0)))
    states: tuple[State[None], ...] = (Running(), Failed(), Running())
    async with get_client() as client:
        for state in states:
            await client.set_flow_run_state(retried, state, force=True)
        run = await client.read_flow_run(retried)
    assert run.start_time is not None
    assert run.state is not None
    between = run.start_time + (run.state.timestamp - run.start_time) / 2
    await crash_dead_reconciliations(deployment_id, before=between)
    assert await state_name_of(retried) == "Running"
    await crash_dead_reconciliations(deployment_id, before=run.state.timestamp)
    assert await state_name_of(retried) == "Crashed"


async def is_known(run_id: UUID) -> bool:
    """Whether Prefect still has the flow run."""
    async with get_client() as client:
        try:
            await client.read_flow_run(run_id)
        except ObjectNotFound:
            return False
    return True


async def test_old_reconciliation_runs_are_deleted_in_prefect_and_nothing_else(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Least of all a run with something undelivered."""
    rig.fault(Kind.ARCHIVED, times=9)
    undelivered = (await rig.run_job()).id
    deployment_id, other = await deployed(reconcile_reports), await deployed(reconcile_reports)
    ends: tuple[State[None], ...] = (Completed(), Failed())
    over = [await run_of(deployment_id, state) for state in ends]
    others = await run_of(other, Completed())
    at_work = await run_of(deployment_id, Running())
    soon = await run_of(deployment_id, ago(timedelta(seconds=-60)))
    await run_made(reconcile_reports, first := await run_of(deployment_id, ago(timedelta(0))))
    assert all([await is_known(one) for one in over])
    monkeypatch.setattr("flows.reconcile_reports.RUNS_KEPT_FOR", timedelta(0))
    await run_made(reconcile_reports, await run_of(deployment_id, ago(timedelta(0))))
    assert [await is_known(one) for one in (*over, first)] == [False, False, False]
    assert all([await is_known(one) for one in (undelivered, others, at_work, soon)])
