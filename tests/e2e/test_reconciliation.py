"""The reconciliation's worker dies or was stopped; the server restarts. Run alone: it disturbs other tests."""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from e2e_rig import INTERVAL, PASSES, SECONDS, Rig
from e2e_run import STARTS, Run
from real_processes import Worker
from waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def left_over(rig: Rig, name: str, times: int) -> Run:
    """Run a job whose outcome GitHub first refuses, so that it is left to reconciliation."""
    run = await rig.start(name)
    await rig.github.fault("no_such_commit", context=run.context, state="success", times=times)
    run.go()
    await run.is_over("COMPLETED", within=STARTS)
    return run


async def test_a_job_survives_a_restart_of_the_server(rig: Rig) -> None:
    run = await rig.start("outlives-the-server")
    await run.is_at_work()
    await rig.server.stop()
    await rig.server.start()
    run.go()
    await run.shows("pending", "success", within=30)
    after = await rig.start("after-the-restart")
    after.go()
    await after.shows("pending", "success", within=STARTS)
    for one in (run, after):
        await one.is_over("COMPLETED", within=60)


async def test_after_runs_killed_half_way_the_next_one_runs(rig: Rig) -> None:
    run = await left_over(rig, "left-to-the-killed", 2)
    for _ in range(3):
        await _is_half_way(rig)
        rig.reconcilers.kill()
        await rig.reconcilers.start()
    await run.shows("pending", "success", within=2 * STARTS)

    async def are_crashed() -> bool:
        return len(await rig.prefect.runs(PASSES, "RUNNING")) <= 2

    await until(are_crashed, within=6 * INTERVAL, what="the killed passes to be Crashed")


async def test_a_restarted_worker_delivers_the_backlog_and_skips_late_runs(rig: Rig) -> None:
    await rig.reconcilers.stop()
    runs = await asyncio.gather(*(left_over(rig, f"backlog-{number}", 1) for number in range(3)))
    now = datetime.now(UTC)
    late = [await rig.prefect.start(PASSES, {}, at=now - timedelta(seconds=INTERVAL * n)) for n in range(60, 0, -1)]
    worker = await rig.reconcilers.start()
    back = time.monotonic()
    most = asyncio.create_task(_most_at_once(worker))
    meanwhile = await rig.start("meanwhile")
    meanwhile.go()
    in_time = asyncio.gather(*(run.shows("pending", "success", within=30) for run in runs))
    await asyncio.gather(in_time, meanwhile.is_at_work(within=15))
    SECONDS["left to the reconciliation: three outcomes, 60 late passes before it"] = time.monotonic() - back
    await until(lambda: _are_over(rig, late), within=60, what="the late passes to be over")
    most.cancel()
    assert await most <= 2


async def _are_over(rig: Rig, runs: Iterable[str]) -> bool:
    for run in runs:
        if not (await rig.prefect.state(run)).is_over:
            return False
    return True


async def _is_half_way(rig: Rig) -> None:
    """Wait until a reconciliation run has begun."""

    async def has_begun() -> bool:
        return bool(rig.reconcilers.at_work() and await rig.prefect.runs(PASSES, "RUNNING"))

    await until(has_begun, within=STARTS, what="a pass")


async def _most_at_once(worker: Worker) -> int:
    """How many flows ran at once at most, until cancelled."""
    most = 0
    try:
        while True:
            most = max(most, len(worker.flows))
            await asyncio.sleep(0.5)
    except asyncio.CancelledError:
        return most
