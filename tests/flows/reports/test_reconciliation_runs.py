"""Reconciliation runs under Prefect: late ones, dead ones, and corrected states of dead jobs' flow runs."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from flow_rig import Rig
from flow_runs import log_of, new_run, run, run_made, state_of_run
from prefect import Flow, get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry, Cancelling, Completed, Failed, Pending, Running, Scheduled
from sqlmodel.ext.asyncio.session import AsyncSession
from world import begin, end, order

from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from domain.process.identity import Process
from fake_github.faults import Kind
from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from storage.delivery import reconciliation_runs
from storage.identity import ledger_id
from storage.jobs import jobs
from storage.jobs.liveness import Over, over
from tasks.operations.correct_run_states import crash_dead_reconciliations
from tasks.process.identity import this_process

ELSEWHERE = Process("another machine", 1, 1)
FIVE_MINUTES = timedelta(minutes=5)


async def deployed(flow: Flow[..., Any] = reconcile_reports, *, tags: Sequence[str] = ()) -> UUID:
    """A deployment without a worker."""
    async with get_client() as client:
        flow_id = await client.create_flow(flow)
        return await client.create_deployment(flow_id, str(uuid4()), tags=list(tags))


async def a_pass(deployment_id: UUID, state: State[None]) -> UUID:
    async with get_client() as client:
        return (await client.create_flow_run_from_deployment(deployment_id, state=state)).id


def ago(span: timedelta) -> State[None]:
    return Scheduled(scheduled_time=datetime.now(UTC) - span)


async def name_of(run_id: UUID) -> str:
    return (await state_of_run(run_id)).name or ""


async def has_passed(rig: Rig, at: datetime, *, took: timedelta = timedelta(seconds=5)) -> None:
    """Record that another reconciliation run ended at that time."""
    async with rig.ledger() as ledger, ledger.transaction() as session:
        pass_id = await reconciliation_runs.begin(session, uuid4(), now=at - took)
        await reconciliation_runs.end(session, pass_id, delivered=0, undelivered=0, now=at)


async def test_a_late_run_leaves_its_work_to_the_run_that_has_done_it(rig: Rig) -> None:
    deployment_id = await deployed()
    late = await a_pass(deployment_id, ago(FIVE_MINUTES))
    await has_passed(rig, datetime.now(UTC) - timedelta(minutes=4))
    done = await run_made(reconcile_reports, late)
    assert done.shows == ("COMPLETED", "Completed", "late, skipped: another reconciliation run has succeeded meanwhile")


async def test_a_late_run_works_if_no_other_has(rig: Rig) -> None:
    late = await a_pass(await deployed(), ago(FIVE_MINUTES))
    await has_passed(rig, datetime.now(UTC) - timedelta(minutes=6))
    assert (await run_made(reconcile_reports, late)).shows[2] == "delivered 0, undelivered 0"


async def test_a_late_run_works_if_the_other_had_begun_before_it_was_due(rig: Rig) -> None:
    """It may have searched for lost jobs before."""
    late = await a_pass(await deployed(), ago(FIVE_MINUTES))
    await has_passed(rig, datetime.now(UTC) - timedelta(minutes=4), took=timedelta(minutes=2))
    assert (await run_made(reconcile_reports, late)).shows[2] == "delivered 0, undelivered 0"


@pytest.mark.usefixtures("rig")
async def test_one_late_run_does_the_work_of_all() -> None:
    deployment_id = await deployed()
    late = [await a_pass(deployment_id, ago(n * FIVE_MINUTES)) for n in range(1, 5)]
    soon = await a_pass(deployment_id, ago(timedelta(seconds=5)))
    another = await a_pass(await deployed(), ago(FIVE_MINUTES))
    await run_made(reconcile_reports, late[0])
    assert [await name_of(one) for one in late] == ["Completed", "Cancelled", "Cancelled", "Cancelled"]
    assert [await name_of(one) for one in (soon, another)] == ["Scheduled", "Scheduled"]


@pytest.mark.usefixtures("rig")
async def test_a_reconciliation_run_whose_process_died_becomes_crashed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPORTBACK_INTERVAL", "REPORTBACK_PASS_BUDGET"):
        monkeypatch.setenv(name, "PT0.01S")
    deployment_id = await deployed()
    died = await a_pass(deployment_id, ago(timedelta(0)))
    async with get_client() as client:
        await client.set_flow_run_state(died, Running())
    await run_made(reconcile_reports, await a_pass(deployment_id, ago(timedelta(0))))
    assert await name_of(died) == "Crashed"


@pytest.mark.usefixtures("rig")
async def test_a_retried_run_counts_from_the_retry_and_not_from_its_first_start() -> None:
    deployment_id = await deployed()
    retried = await a_pass(deployment_id, ago(timedelta(0)))
    states: tuple[State[None], ...] = (Running(), Failed(), Running())
    async with get_client() as client:
        for state in states:
            await client.set_flow_run_state(retried, state, force=True)
        run = await client.read_flow_run(retried)
    assert run.start_time is not None
    assert run.state is not None
    between = run.start_time + (run.state.timestamp - run.start_time) / 2
    await crash_dead_reconciliations(deployment_id, before=between)
    assert await name_of(retried) == "Running"
    await crash_dead_reconciliations(deployment_id, before=run.state.timestamp)
    assert await name_of(retried) == "Crashed"


async def a_job(rig: Rig, state: JobState, process: Process, *, ended: timedelta) -> UUID:
    """A flow run that Prefect believes Running, though its job ended so long ago in *process*."""
    run_id = await new_run(docs_job)
    asked = replace(order(sha=rig.sha), flow_run_id=run_id)
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Running())
    async with rig.ledger() as ledger:
        async with ledger.transaction() as session:
            taken = await jobs.accept(session, asked, by=process, actor="test", now=rig.now())
        assert isinstance(taken, Execution)
        await begin(ledger, taken)
        await end(ledger, taken, state)
    rig.skipped += ended
    return run_id


@pytest.fixture
def dead() -> Process:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        return replace(this_process(), pid=child.pid)


async def test_a_flow_run_whose_process_died_is_corrected_in_prefect(rig: Rig, dead: Process) -> None:
    run_id = await a_job(rig, JobState.LOST, dead, ended=timedelta(seconds=20))
    await run(reconcile_reports)
    state = await state_of_run(run_id)
    assert state.name == "Crashed"
    assert (state.message or "").startswith(
        "the process of this flow run died, or is cut off; its job had ended as lost at "
    )


async def test_a_flow_run_whose_job_succeeded_is_corrected_too(rig: Rig, dead: Process) -> None:
    """Its worker was ended while it reported; the reconciliation delivers."""
    run_id = await a_job(rig, JobState.SUCCEEDED, dead, ended=timedelta(seconds=20))
    await run(reconcile_reports)
    assert await name_of(run_id) == "Crashed"
    assert rig.states() == ["success"]


async def test_a_flow_run_that_was_to_be_cancelled_is_cancelled(rig: Rig, dead: Process) -> None:
    run_id = await a_job(rig, JobState.LOST, dead, ended=timedelta(seconds=20))
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Cancelling())
    await run(reconcile_reports)
    assert await name_of(run_id) == "Cancelled"


async def test_a_flow_run_that_may_still_report_is_left_alone(rig: Rig) -> None:
    long_ago = await a_job(rig, JobState.SUCCEEDED, ELSEWHERE, ended=timedelta(minutes=6))
    elsewhere = await a_job(rig, JobState.SUCCEEDED, ELSEWHERE, ended=timedelta(minutes=5))
    here = await a_job(rig, JobState.SUCCEEDED, this_process(), ended=timedelta(0))
    lost = await a_job(rig, JobState.LOST, ELSEWHERE, ended=timedelta(0))
    await run(reconcile_reports)
    assert [await name_of(one) for one in (here, elsewhere)] == ["Running", "Running"]
    assert [await name_of(one) for one in (lost, long_ago)] == ["Crashed", "Crashed"]


async def test_a_flow_run_that_was_retried_has_another_process(rig: Rig, dead: Process) -> None:
    run_id = await a_job(rig, JobState.FAILED, dead, ended=timedelta(0))
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Completed())
        await client.set_flow_run_state(run_id, Running(), force=True)
    await run(reconcile_reports)
    assert await name_of(run_id) == "Running"


async def test_a_retry_that_was_just_asked_for_is_left_to_come(
    rig: Rig, dead: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = await a_job(rig, JobState.LOST, dead, ended=timedelta(seconds=20))

    async def meanwhile(session: AsyncSession, job_ids: Sequence[UUID]) -> list[Over]:
        async with get_client() as client:
            await client.set_flow_run_state(run_id, AwaitingRetry(), force=True)
        return await over(session, job_ids)

    monkeypatch.setattr("storage.jobs.liveness.over", meanwhile)
    await run(reconcile_reports)
    assert await name_of(run_id) == "AwaitingRetry"


async def accepted(rig: Rig, run_id: UUID) -> UUID:
    """Accept the job of a flow run; return its id."""
    asked = replace(order(sha=rig.sha), flow_run_id=run_id)
    async with rig.ledger() as ledger, ledger.transaction() as session:
        await jobs.accept(session, asked, by=this_process(), actor="test", now=rig.now())
    return run_id


async def test_flow_runs_that_died_before_acceptance_are_corrected_in_prefect(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.operations.correct_run_states.ACCEPTING", timedelta(seconds=-60))
    ours, others = (
        await deployed(docs_job),
        await deployed(docs_job, tags=[f"ledger:{uuid4()}"]),
    )
    states: tuple[State[None], ...] = (Running(), Pending(), Cancelling())
    died = [await a_pass(ours, state) for state in states]
    left = [
        await accepted(rig, await a_pass(ours, Running())),
        await a_pass(others, Running()),
        await a_pass(ours, Scheduled()),
        await new_run(docs_job),
    ]
    before = [await name_of(one) for one in left]
    await run(reconcile_reports)
    assert [await name_of(one) for one in died] == ["Crashed", "Crashed", "Cancelled"]
    assert (await state_of_run(died[0])).message == (
        "its job is in no ledger: its process died before the job was accepted, or a backup was put back"
    )
    assert [await name_of(one) for one in left] == before


async def test_a_flow_run_is_corrected_by_the_runs_of_its_own_ledger(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operations.correct_run_states.ACCEPTING", timedelta(seconds=-60))
    async with rig.ledger() as ledger, ledger.transaction() as session:
        mine = await ledger_id(session)
    monkeypatch.setenv("REPORTBACK_LEDGER_ID", str(mine))
    died = await a_pass(await deployed(docs_job, tags=[f"ledger:{mine}"]), Running())
    await run(reconcile_reports)
    assert await name_of(died) == "Crashed"


@pytest.mark.usefixtures("rig")
async def test_a_flow_run_that_may_still_wait_for_its_ledger_is_left_alone() -> None:
    begins = await a_pass(await deployed(docs_job), Running())
    await run(reconcile_reports)
    assert await name_of(begins) == "Running"


async def test_prefect_s_silence_keeps_no_report_waiting(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise httpx.ConnectError("connection refused")

    await a_job(rig, JobState.SUCCEEDED, ELSEWHERE, ended=timedelta(minutes=15))
    monkeypatch.setattr("tasks.operations.correct_run_states.get_client", away)
    done = await run(reconcile_reports)
    assert done.shows[0] == "COMPLETED"
    assert rig.states() == ["success"]
    assert await log_of(done.id, "Prefect's server could not be asked or updated: ConnectError('connection refused')")


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
    deployment_id, other = await deployed(), await deployed()
    ends: tuple[State[None], ...] = (Completed(), Failed())
    over = [await a_pass(deployment_id, state) for state in ends]
    others = await a_pass(other, Completed())
    at_work = await a_pass(deployment_id, Running())
    soon = await a_pass(deployment_id, ago(timedelta(seconds=-60)))
    await run_made(reconcile_reports, first := await a_pass(deployment_id, ago(timedelta(0))))
    assert all([await is_known(one) for one in over])
    monkeypatch.setattr("flows.reconcile_reports.RUNS_KEPT_FOR", timedelta(0))
    await run_made(reconcile_reports, await a_pass(deployment_id, ago(timedelta(0))))
    assert [await is_known(one) for one in (*over, first)] == [False, False, False]
    assert all([await is_known(one) for one in (undelivered, others, at_work, soon)])
