"""A flow run that runs again: Retry in the UI, a second process, a process that died."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
from flow_rig import Rig
from flow_runs import log_of, name_of_run, new_run, page_of, run, run_again, run_made, task_runs
from ledger_jobs import ME
from prefect.client.orchestration import get_client
from sqlalchemy.exc import OperationalError
from sqlmodel import col, update
from steps import Died
from transactions import at
from waiting import soon, until

from domain.delivery.report import Phase, RecordedReport
from domain.jobs.job_states import JobState
from domain.markdown import literal
from fake_github.faults import Kind
from flows import docs_job as module
from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from flows.retry_reports import retry_reports
from storage.jobs import jobs
from storage.models import Job
from tasks.delivery.reporter import Reporter

NOTE_A_RUN = "echo ran >> {folder}/notes"


async def test_a_job_that_succeeded_is_not_executed_again(rig: Rig) -> None:
    rig.job_is(NOTE_A_RUN)
    done = await rig.run_job()
    again = await run_again(docs_job, done.id)
    words = "nothing to do: the job succeeded before, and GitHub has its outcome"
    assert again.shows == ("COMPLETED", "Completed", words)
    assert rig.noted() == ["ran"]
    assert rig.states() == ["pending", "success"]
    assert rig.posts() == 2
    assert await log_of(done.id, words)
    assert f"**{literal(words)}**" in await page_of(done.id)


async def test_a_retry_delivers_a_refused_report_without_executing_the_job_again(rig: Rig) -> None:
    rig.fault(Kind.ARCHIVED, state="success")
    rig.job_is(NOTE_A_RUN)
    done = await rig.run_job()
    assert rig.states() == ["pending"]
    assert "GitHub refuses it: `archived`. Unarchive the repository" in await page_of(done.id)
    again = await run_again(docs_job, done.id)
    words = "succeeded before, and was not executed again; its report is delivered"
    assert again.shows == ("COMPLETED", "Completed", words)
    assert rig.noted() == ["ran"]
    assert rig.states() == ["pending", "success"]
    page = await page_of(done.id)
    assert f"**{words}**" in page
    assert "**reopened** by retry of sphinx" in page


@pytest.mark.parametrize("by", ["the flow run's Retry", "the reconciliation", "retry_reports"])
async def test_a_manual_retry_after_all_retries_delivers_without_executing_the_job_again(rig: Rig, by: str) -> None:
    rig.fault(Kind.SERVER_ERROR, state="success", times=0)
    rig.fault(Kind.SERVER_ERROR, method="GET", times=0)
    rig.job_is(NOTE_A_RUN)
    done = await rig.run_job()
    given_up = (await task_runs(done.id, 3))["report_status"]
    assert (given_up.state_name, given_up.run_count) == ("Failed", 6)
    assert await rig.phases() == [("pending", Phase.DELIVERED), ("success", Phase.DUE)]
    rig.github.script.clear()
    if by == "the flow run's Retry":
        await run_again(docs_job, done.id)
    elif by == "retry_reports":
        retried = await run(retry_reports, {"job": done.id})
        assert retried.shows[2] == "1 delivered"
        assert await name_of_run(retried.id) == f"retry job {done.id}"
    else:
        rig.skipped += timedelta(minutes=2)
        await run(reconcile_reports)
    assert rig.noted() == ["ran"]
    assert rig.states() == ["pending", "success"]


async def test_a_failed_job_is_executed_again_and_supersedes_its_failure(rig: Rig) -> None:
    rig.job_is(NOTE_A_RUN + "; exit 1")
    done = await rig.run_job()
    rig.job_is(NOTE_A_RUN)
    again = await run_again(docs_job, done.id)
    assert again.shows[0] == "COMPLETED"
    assert rig.noted() == ["ran", "ran"]
    assert rig.states() == ["pending", "failure", "pending", "success"]
    assert (await rig.job()).execution == 2


async def test_a_retry_supersedes_another_job_that_reported_last(rig: Rig) -> None:
    rig.job_is("exit 1")
    old = await rig.run_job()
    rig.job_is("exit 0")
    await rig.run_job()
    rig.job_is("exit 2")
    again = await run_again(docs_job, old.id)
    assert again.shows[:2] == ("FAILED", "Failed")
    assert rig.states() == ["pending", "failure", "pending", "success", "pending", "failure"]
    assert "execution 1, report 2, `failure`: delivered" in await page_of(old.id)


@pytest.mark.parametrize("by", ["the flow run's Retry", "the reconciliation"])
async def test_a_restart_between_the_jobs_end_and_its_report_loses_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    report = module._report

    async def die_before_the_outcome(ended: RecordedReport | None, by: Reporter, *, once: bool = False) -> None:
        if not once:
            raise Died
        await report(ended, by, once=once)

    rig.job_is(NOTE_A_RUN)
    run_id = await new_run(docs_job, {"job": "sphinx", "target": rig.target()})
    with monkeypatch.context() as dying, suppress(Died):
        dying.setattr(module, "_report", die_before_the_outcome)
        await run_made(docs_job, run_id)
    assert (await rig.job()).state is JobState.SUCCEEDED
    assert rig.states() == ["pending"]
    await (run_again(docs_job, run_id) if by == "the flow run's Retry" else run(reconcile_reports))
    assert rig.noted() == ["ran"]
    assert rig.states() == ["pending", "success"]


async def accept_elsewhere(rig: Rig, *, seconds_ago: float) -> UUID:
    """A flow run that another process carries out, or did."""
    run_id = await new_run(docs_job, {"job": "sphinx", "target": rig.target()})
    async with rig.ledger() as ledger:
        with ledger.transaction() as tx:
            beat_at = rig.now() - timedelta(seconds=seconds_ago)
            jobs.accept(at(tx, now=beat_at), rig.order(run_id), by=ME)
    return run_id


async def beat_elsewhere(rig: Rig, run_id: UUID) -> None:
    async with rig.ledger() as ledger:
        while True:
            await asyncio.sleep(0.05)
            with ledger.transaction() as tx:
                assert jobs.heartbeat(at(tx, now=rig.now()), run_id, 1)


async def test_a_second_process_leaves_a_flow_run_with_a_heartbeat_alone(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.jobs.accept.POLL_EVERY", timedelta(seconds=0.3))
    rig.job_is(NOTE_A_RUN)
    run_id = await accept_elsewhere(rig, seconds_ago=1)
    beating = asyncio.create_task(beat_elsewhere(rig, run_id))
    try:
        second = await run_made(docs_job, run_id)
    finally:
        beating.cancel()
    assert second.shows[:2] == ("RUNNING", "Running")
    assert await log_of(run_id, "this process leaves: another process runs this flow run")
    assert rig.noted() == []
    assert rig.posts() == 0
    assert (await rig.job()).execution == 1


@pytest.mark.parametrize("seconds_ago", [60, 29.5])
async def test_a_process_that_has_gone_silent_is_taken_over_after_30_s(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, seconds_ago: float
) -> None:
    for name in ("POLL_EVERY", "WATCH_FOR"):
        monkeypatch.setattr(f"tasks.jobs.accept.{name}", timedelta(seconds=0.1))
    run_id = await accept_elsewhere(rig, seconds_ago=seconds_ago)
    taken_over = await run_made(docs_job, run_id)
    assert taken_over.shows[0] == "COMPLETED"
    job = await rig.job()
    assert (job.execution, job.state) == (2, JobState.SUCCEEDED)
    assert rig.states() == ["pending", "success"]


async def test_an_execution_that_was_taken_over_ends_without_a_word(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.jobs.heartbeat.HEARTBEAT_EVERY", timedelta(seconds=0.1))
    rig.job_is("echo started > {folder}/notes; sleep 60; echo ended >> {folder}/notes")
    run_id = await new_run(docs_job, {"job": "sphinx", "target": rig.target()})
    running = asyncio.create_task(run_made(docs_job, run_id))
    await until_noted(rig)
    async with rig.ledger() as ledger:
        with ledger.transaction() as tx:
            tx.session.exec(update(Job).where(col(Job.id) == run_id).values(execution=2))
    ended = await running
    assert ended.shows[:2] == ("RUNNING", "Running")
    assert rig.noted() == ["started"]
    assert [state for state, _ in await rig.phases()] == ["pending"]


async def test_a_flow_run_that_is_cancelled_leaves_an_error_to_the_reconciliation(rig: Rig) -> None:
    rig.job_is("echo started > {folder}/notes; sleep 60; echo ended >> {folder}/notes")
    run_id = await new_run(docs_job, {"job": "sphinx", "target": rig.target()})
    running = asyncio.create_task(run_made(docs_job, run_id))
    await until_noted(rig)
    running.cancel()
    await soon(asyncio.wait({running}), "the end of the flow run")
    assert (await rig.job()).state is JobState.CANCELLED
    assert "- Outcome: **cancelled**: cancelled" in await page_of(run_id)
    log = await log_of(run_id, "Ended by a cancel of its flow run, or by SIGTERM to its process.")
    assert "Crash detected" not in log
    await run(reconcile_reports)
    assert rig.held()[-1] == ("error", "cancelled")
    assert rig.noted() == ["started"]


async def test_a_flow_run_that_is_deleted_while_it_runs_stops_its_job_and_its_commit_says_so(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.jobs.heartbeat.CANCEL_CHECK_EVERY", timedelta(seconds=0.2))
    rig.job_is("echo started > {folder}/notes; sleep 60; echo ended >> {folder}/notes")
    run_id = await new_run(docs_job, {"job": "sphinx", "target": rig.target()})
    running = asyncio.create_task(run_made(docs_job, run_id))
    await until_noted(rig)
    async with get_client() as client:
        await client.delete_flow_run(run_id)
    await soon(asyncio.wait({running}), "the end of the flow run")
    running.exception()
    await run(reconcile_reports)
    assert ((await rig.job()).state, rig.noted()) == (JobState.CANCELLED, ["started"])
    assert rig.held()[-1] == ("error", "cancelled: its flow run was deleted in Prefect")


async def test_a_job_that_could_not_be_begun_shows_its_reason_and_does_not_stay_running(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise OperationalError("select 1", None, Exception("the disk is full"))

    monkeypatch.setattr("tasks.run_job.carry_out", lambda *_, **__: fail())
    done = await rig.run_job()
    assert done.shows[0] == "FAILED"
    assert "the disk is full" in done.shows[2]


async def until_noted(rig: Rig) -> None:
    await until(lambda: bool(rig.noted()))
