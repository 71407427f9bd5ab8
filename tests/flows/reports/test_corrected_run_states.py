"""A flow run that Prefect believes at work, though its process died, is given its true state."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from flow_rig import Rig
from flow_runs import deployed, log_of, new_run, run, run_of, state_name_of, state_of_run
from ledger_jobs import begin, end, order
from prefect import get_client
from prefect.states import AwaitingRetry, Cancelling, Completed, Pending, Running, Scheduled
from transactions import at

from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from domain.process.identity import Process
from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from storage.identity import ledger_id
from storage.jobs import jobs
from storage.jobs.liveness import Over, over
from storage.transaction import Transaction
from tasks.process.identity import this_process

ELSEWHERE = Process("another machine", 1, 1)


async def a_job(rig: Rig, state: JobState, process: Process, *, ended: timedelta) -> UUID:
    """A flow run that Prefect believes Running, though its job ended so long ago in *process*."""
    run_id = await new_run(docs_job)
    asked = replace(order(sha=rig.sha), flow_run_id=run_id)
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Running())
    async with rig.ledger() as ledger:
        with ledger.transaction() as tx:
            taken = jobs.accept(at(tx, now=rig.now()), asked, by=process)
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
    assert await state_name_of(run_id) == "Crashed"
    assert rig.states() == ["success"]


async def test_a_flow_run_that_was_to_be_cancelled_is_cancelled(rig: Rig, dead: Process) -> None:
    run_id = await a_job(rig, JobState.LOST, dead, ended=timedelta(seconds=20))
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Cancelling())
    await run(reconcile_reports)
    assert await state_name_of(run_id) == "Cancelled"


async def test_a_healthy_cancel_is_worded_as_that(rig: Rig, dead: Process) -> None:
    """Its worker was too slow to set the state."""
    run_id = await a_job(rig, JobState.CANCELLED, dead, ended=timedelta(seconds=20))
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Cancelling())
    await run(reconcile_reports)
    state = await state_of_run(run_id)
    assert state.name == "Cancelled"
    assert (state.message or "").startswith("as was asked for: its job ended as cancelled at ")


async def test_a_flow_run_that_may_still_report_is_left_alone(rig: Rig) -> None:
    long_ago = await a_job(rig, JobState.SUCCEEDED, ELSEWHERE, ended=timedelta(minutes=6))
    elsewhere = await a_job(rig, JobState.SUCCEEDED, ELSEWHERE, ended=timedelta(minutes=5))
    here = await a_job(rig, JobState.SUCCEEDED, this_process(), ended=timedelta(0))
    lost = await a_job(rig, JobState.LOST, ELSEWHERE, ended=timedelta(0))
    await run(reconcile_reports)
    assert [await state_name_of(one) for one in (here, elsewhere)] == ["Running", "Running"]
    assert [await state_name_of(one) for one in (lost, long_ago)] == ["Crashed", "Crashed"]


async def test_a_flow_run_that_was_retried_has_another_process(rig: Rig, dead: Process) -> None:
    run_id = await a_job(rig, JobState.FAILED, dead, ended=timedelta(0))
    async with get_client() as client:
        await client.set_flow_run_state(run_id, Completed())
        await client.set_flow_run_state(run_id, Running(), force=True)
    await run(reconcile_reports)
    assert await state_name_of(run_id) == "Running"


async def test_a_retry_that_was_just_asked_for_is_left_to_come(
    rig: Rig, dead: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = await a_job(rig, JobState.LOST, dead, ended=timedelta(seconds=20))

    def meanwhile(tx: Transaction, job_ids: Sequence[UUID]) -> list[Over]:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run_id, AwaitingRetry(), force=True)
        return over(tx, job_ids)

    monkeypatch.setattr("storage.jobs.liveness.over", meanwhile)
    await run(reconcile_reports)
    assert await state_name_of(run_id) == "AwaitingRetry"


async def accepted(rig: Rig, run_id: UUID) -> UUID:
    """Accept the job of a flow run; return its id."""
    asked = replace(order(sha=rig.sha), flow_run_id=run_id)
    async with rig.ledger() as ledger:
        with ledger.transaction() as tx:
            jobs.accept(at(tx, now=rig.now()), asked, by=this_process())
    return run_id


async def test_flow_runs_that_died_before_acceptance_are_corrected_in_prefect(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.runs.correct_run_states.LONGEST_START", timedelta(seconds=-60))
    ours, others = (
        await deployed(docs_job),
        await deployed(docs_job, tags=[f"ledger:{uuid4()}"]),
    )
    died = [await run_of(ours, Running()), await run_of(ours, Pending()), await run_of(ours, Cancelling())]
    left = [
        await accepted(rig, await run_of(ours, Running())),
        await run_of(others, Running()),
        await run_of(ours, Scheduled()),
        await new_run(docs_job),
    ]
    before = [await state_name_of(one) for one in left]
    await run(reconcile_reports)
    assert [await state_name_of(one) for one in died] == ["Crashed", "Crashed", "Cancelled"]
    assert (await state_of_run(died[0])).message == (
        "its job is in no ledger: its process died before the job was accepted, or a backup was put back"
    )
    assert [await state_name_of(one) for one in left] == before


async def test_a_flow_run_is_corrected_by_the_runs_of_its_own_ledger(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.runs.correct_run_states.LONGEST_START", timedelta(seconds=-60))
    async with rig.ledger() as ledger:
        mine = await ledger.write(ledger_id)
    monkeypatch.setenv("REPORTBACK_LEDGER_ID", str(mine))
    died = await run_of(await deployed(docs_job, tags=[f"ledger:{mine}"]), Running())
    await run(reconcile_reports)
    assert await state_name_of(died) == "Crashed"


@pytest.mark.usefixtures("rig")
async def test_a_flow_run_that_may_still_wait_for_its_ledger_is_left_alone() -> None:
    begins = await run_of(await deployed(docs_job), Running())
    await run(reconcile_reports)
    assert await state_name_of(begins) == "Running"


async def test_prefect_s_silence_keeps_no_report_waiting(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise httpx.ConnectError("connection refused")

    await a_job(rig, JobState.SUCCEEDED, ELSEWHERE, ended=timedelta(minutes=15))
    monkeypatch.setattr("tasks.runs.job_runs.get_client", away)
    done = await run(reconcile_reports)
    assert done.shows[0] == "COMPLETED"
    assert rig.states() == ["success"]
    assert await log_of(done.id, "Prefect's server could not be asked or updated: ConnectError('connection refused')")
