"""Jobs that exclude each other, on two workers."""

import asyncio
import os
import signal

import pytest
from e2e_rig import FROM_DEATH_TO_ERROR, Rig
from e2e_run import STARTS
from waiting import until

from domain.jobs.job_states import JobState

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]

SENT = 15
"""Seconds within which what the job's own task sends is there."""


async def test_the_second_waits_on_its_worker_and_shows_the_job_it_waits_for(rig: Rig) -> None:
    async with rig.worker("left") as _, rig.worker("right") as _:
        first = await rig.start("goes-first", job="told-alone", queue="left")
        await first.is_at_work()
        second = await rig.start("waits", job="told-alone", queue="right")
        words = f"waits for {await rig.prefect.name(first.id)}"

        async def shows_it() -> bool:
            state = await second.state()
            return state.name == "Waiting" and words in (state.message or "")

        await until(shows_it, within=STARTS, what=f"the second to show that it {words}")
        await second.shows("pending", within=SENT)
        assert second.executions == 0
        first.go()
        second.go()
        for run in (first, second):
            await run.shows("pending", "success", within=2 * SENT)
            await run.is_over("COMPLETED", within=SENT)


async def test_a_group_held_by_a_dead_job_is_freed(rig: Rig) -> None:
    dead = await rig.start("holds-and-dies", job="told-one-by-one")
    await dead.is_at_work()
    heir = await rig.start("inherits", job="told-one-by-one")
    await heir.shows("pending", within=STARTS)
    os.kill(await dead.pid(), signal.SIGKILL)
    heir.go()
    await heir.shows("pending", "success", within=FROM_DEATH_TO_ERROR)
    await dead.shows("pending", "error", within=SENT)


async def test_a_lost_job_that_comes_back_while_its_group_is_taken_ends_its_command(rig: Rig) -> None:
    stopped = await rig.start("stopped", job="told-in-turn")
    await stopped.is_at_work()
    await stopped.shows("pending", within=SENT)
    await stopped.seems_elsewhere()
    async with stopped.suspended():
        other = await rig.start("takes-its-place", job="told-in-turn")
        await other.is_at_work(within=FROM_DEATH_TO_ERROR + STARTS)
    await stopped.leaves_no_process(within=30)
    other.go()
    await asyncio.gather(
        other.shows("pending", "success", within=SENT),
        stopped.shows("pending", "error", within=SENT),
    )
    assert (await stopped.job()).state is JobState.LOST
