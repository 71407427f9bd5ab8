"""Retry in Prefect's UI, by its API and by `prefect flow-run retry`: all set the same state."""

import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from e2e_rig import BEAT_OLD, INTERVAL, Rig
from e2e_run import STARTS, Run
from repositories import git

from domain.jobs.job_states import JobState

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]

SENT = 15
"""Seconds within which what the job's own task sends is there."""


async def test_a_rejected_report_is_delivered_and_its_job_is_not_executed_again(rig: Rig) -> None:
    run = await rig.start("rejected")
    await rig.github.fault("archived", context=run.context, state="success")
    run.go()
    await run.is_over("COMPLETED", within=STARTS)
    assert await run.states() == ["pending"]
    await run.retry()
    await run.shows("pending", "success", within=STARTS)
    await run.is_over("COMPLETED", within=SENT)
    assert run.executions == 1


async def test_a_rejected_report_is_delivered_by_retry_reports(rig: Rig) -> None:
    run = await rig.start("rejected-and-reopened")
    await rig.github.fault("archived", context=run.context, state="success")
    run.go()
    await run.is_over("COMPLETED", within=STARTS)
    assert (await rig.outcome_of("retry-reports/retry-reports", {"job": run.id})).message == "1 delivered"
    assert await run.states() == ["pending", "success"]
    assert run.executions == 1


async def test_an_undelivered_report_is_delivered_once_and_its_job_is_not_executed_again(rig: Rig) -> None:
    run = await rig.start("undelivered")
    await rig.github.fault("no_such_commit", context=run.context, state="success", times=3)
    run.go()
    await run.is_over("COMPLETED", within=STARTS)
    await run.retry()
    await run.shows("pending", "success", within=STARTS + 3 * INTERVAL)
    await run.is_over("COMPLETED", within=STARTS)
    assert run.executions == 1


async def test_a_failed_job_is_executed_again_from_a_shell_and_its_new_outcome_stands(rig: Rig) -> None:
    run = await rig.start("failed")
    run.go(1)
    await run.is_over("FAILED", within=STARTS)
    await run.shows("pending", "failure", within=SENT)
    await run.says("the working copy is kept for a while for inspection: ")  # what a module logs, in a worker
    run.stay()
    await rig.shell("flow-run", "retry", run.id)
    await run.is_at_work(2)
    await run.shows("pending", "failure", "pending", within=SENT)
    run.go(0)
    await run.shows("pending", "failure", "pending", "success", within=SENT)
    await run.is_over("COMPLETED", within=SENT)
    assert (await run.job()).execution == 2


async def timed_out(rig: Rig) -> Run:
    return await rig.start("timed-out", job="told-in-time")


async def crashed(rig: Rig) -> Run:
    """Its commit comes to the repository only after the first execution."""
    later = replace(rig, folder=rig.folder / "later")
    git(rig.folder, "clone", "--quiet", str(rig.origin), str(later.origin))
    run = await rig.start("crashed", sha=later.commit("crashed"))
    await run.is_over("FAILED", within=STARTS)
    git(rig.origin, "fetch", "--quiet", str(later.origin), "HEAD:refs/heads/later")
    return run


@pytest.mark.parametrize(("end", "state"), [(timed_out, JobState.TIMED_OUT), (crashed, JobState.CRASHED)])
async def test_a_job_that_could_not_finish_is_executed_again_and_its_new_outcome_stands(
    rig: Rig, end: Callable[[Rig], Awaitable[Run]], state: JobState
) -> None:
    run = await end(rig)
    await run.shows_on_top("error", within=STARTS)
    await run.is_over("FAILED", within=SENT)
    assert (await run.job()).state is state
    first = await run.states()
    assert first in (["pending", "error"], ["error"])  # a checkout may fail before `pending` is sent
    run.go()
    await run.retry()
    await run.shows(*first, "pending", "success", within=STARTS)
    await run.is_over("COMPLETED", within=SENT)
    assert (await run.job()).execution == 2


async def test_a_retried_job_supersedes_another_that_reported_last(rig: Rig) -> None:
    first = await rig.start("first-of-two")
    first.go(1)
    await first.shows("pending", "failure", within=STARTS)
    second = await rig.start("second-of-two", context=first.context, sha=first.sha)
    second.go(0)
    await second.shows("pending", "failure", "pending", "success", within=STARTS)
    await first.is_over(within=SENT)
    await first.retry()
    await first.shows("pending", "failure", "pending", "success", "pending", "failure", within=STARTS)


async def test_pressed_while_the_job_runs_the_second_process_leaves(rig: Rig) -> None:
    run = await rig.start("pressed-while-running")
    await run.is_at_work()
    first = await run.pid()
    await run.retry()
    await run.says("another process", within=STARTS)
    assert await run.pid() == first
    run.go()
    await run.shows("pending", "success", within=SENT)
    await run.is_over("COMPLETED", within=SENT)
    assert run.executions == 1


async def test_pressed_after_a_death_the_new_process_takes_over(rig: Rig) -> None:
    run = await rig.start("pressed-after-death")
    await run.is_at_work()
    await run.shows("pending", within=SENT)
    os.kill(await run.pid(), signal.SIGKILL)
    await run.is_over("CRASHED", within=SENT)
    await run.retry()
    await run.is_at_work(2, within=BEAT_OLD + STARTS)
    run.go()
    await run.shows_on_top("success", within=SENT)
    await run.is_over("COMPLETED", within=SENT)
    assert (await run.states()).count("success") == 1
    assert run.executions == 2
