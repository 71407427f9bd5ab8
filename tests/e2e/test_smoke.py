"""The smoke test: what must work before anything else (`make e2e-smoke`)."""

import os
import signal

import pytest
from e2e_rig import FROM_DEATH_TO_ERROR, INTERVAL, Rig
from e2e_run import STARTS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]


async def test_the_schedule_fires_and_delivers_what_the_job_could_not(rig: Rig) -> None:
    run = await rig.start("left-to-the-schedule")
    await rig.github.fault("no_such_commit", context=run.context, state="success")  # the task does not try this again
    run.go()
    await run.is_over("COMPLETED", within=STARTS)
    await run.shows("pending", "success", within=2 * INTERVAL + 15)


async def test_retry_of_a_completed_run_executes_and_sends_nothing_again(rig: Rig) -> None:
    run = await rig.start("retried-after-success")
    run.go()
    await run.is_over("COMPLETED", within=STARTS)
    await run.shows("pending", "success", within=15)
    await run.retry()
    await run.is_over("COMPLETED", within=STARTS)
    await run.says("nothing to do")
    assert run.executions == 1
    assert await run.states() == ["pending", "success"]


async def test_a_killed_flow_leaves_an_error_on_the_commit_and_no_process(rig: Rig) -> None:
    run = await rig.start("killed")
    await run.is_at_work()
    await run.shows("pending", within=15)
    os.kill(await run.pid(), signal.SIGKILL)
    await run.leaves_no_process()
    await run.shows("pending", "error", within=FROM_DEATH_TO_ERROR)
    await run.is_over("CRASHED", within=15)
