"""Every way for a job to die becomes an outcome: remaining processes, commit status and Prefect's state."""

import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
from e2e_rig import FROM_DEATH_TO_ERROR, INTERVAL, SECONDS, Rig
from e2e_run import STARTS, Run
from processes import is_alive
from real_processes import Worker, offspring
from relay import to_http
from waiting import until

from domain.jobs.job_states import JobState

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]

SENT = 15
"""Seconds within which what the job's own task sends is there."""

DEAD = (JobState.CANCELLED, JobState.CRASHED, JobState.LOST)


async def cancelled(run: Run) -> None:
    await run.prefect.set_state(run.id, "CANCELLING")


async def cancelled_behind_its_back(run: Run) -> None:
    await run.prefect.set_state(run.id, "CANCELLED")


async def flow_terminated(run: Run) -> None:
    os.kill(await run.pid(), signal.SIGTERM)


async def flow_killed(run: Run) -> None:
    os.kill(await run.pid(), signal.SIGKILL)


async def worker_terminated(_: Run, worker: Worker) -> None:
    worker.signal(signal.SIGTERM)


async def worker_and_flow_killed(_: Run, worker: Worker) -> None:
    worker.kill()


async def all_killed(run: Run, worker: Worker) -> None:
    """Kill all processes, as when the machine is gone, so that none can clean up."""
    pids = [*offspring(await run.pid()), *(int(path.stem) for path in run.folder.glob("*.pid"))]
    worker.kill()
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to die while the command runs."""

    words: str
    die: Callable[[Run], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WayOfAWorker:
    """One that takes the worker with it."""

    words: str
    die: Callable[[Run, Worker], Awaitable[None]]


WAYS = (
    Way("cancelled in the UI", cancelled),
    Way("its state set to Cancelled", cancelled_behind_its_back),
    Way("SIGTERM to the flow", flow_terminated),
    Way("SIGKILL to the flow", flow_killed),
)
WAYS_OF_A_WORKER = (
    WayOfAWorker("SIGTERM to the worker", worker_terminated),
    WayOfAWorker("SIGKILL to worker and flow", worker_and_flow_killed),
    WayOfAWorker("SIGKILL to all at once, as when the machine is gone", all_killed),
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.die.__name__)
async def test_a_flow_ended_in_any_way_is_reported_and_a_retry_runs_it_again(rig: Rig, way: Way) -> None:
    run = await _pending(rig, way.die.__name__)
    pid = await run.pid()
    await _dies(run, way.words, way.die(run))
    await until(lambda: _is_over(pid), within=SENT, what="the first process to be over")
    run.go()
    await _runs_again(run)
    await run.shows("pending", "error", "pending", "success", within=STARTS)
    await run.is_over("COMPLETED", within=SENT)
    assert (await run.job()).execution == run.executions == 2


async def _runs_again(run: Run) -> None:
    """Press Retry until it runs: a worker that is not done with a Cancel yet takes it to be for that one, too."""
    await run.retry()

    async def runs() -> bool:
        if run.executions < 2 and (await run.state()).is_over:
            await run.retry()
        return run.executions == 2

    await until(runs, within=STARTS, what=f"{run.name} to run again")


@pytest.mark.parametrize("way", WAYS_OF_A_WORKER, ids=lambda way: way.die.__name__)
async def test_a_worker_ended_in_any_way_is_reported(rig: Rig, way: WayOfAWorker) -> None:
    queue = way.die.__name__.replace("_", "-")
    async with rig.worker(queue) as worker:
        run = await _pending(rig, queue, queue=queue)
        await _dies(run, way.words, way.die(run, worker))


async def _pending(rig: Rig, name: str, *, queue: str | None = None) -> Run:
    """A job that is at work, and shows so."""
    run = await rig.start(name.replace("_", "-"), queue=queue)
    await run.is_at_work()
    await run.shows("pending", within=SENT)
    return run


async def _dies(run: Run, words: str, death: Awaitable[None]) -> None:
    """Check that `error` with a reason is on the commit in time, no process is left, and Prefect has the state."""
    died = time.monotonic()
    await death
    await run.shows("pending", "error", within=FROM_DEATH_TO_ERROR)
    SECONDS[words] = time.monotonic() - died
    await run.leaves_no_process()
    await run.is_over("CRASHED", "CANCELLED", within=SENT + INTERVAL)
    assert (await run.job()).state in DEAD
    assert (await run.statuses())[-1]["description"]


async def test_cancelled_while_it_waits_to_report_its_outcome_is_delivered(rig: Rig) -> None:
    run = await rig.start("cancelled-before-a-retry")
    await rig.github.fault("server_error", status=503, context=run.context, state="success", times=3)
    run.go()
    await run.says("Retry 1/5 will start", within=STARTS)
    await _cancel(run)
    await run.shows("pending", "success", within=2 * FROM_DEATH_TO_ERROR)
    assert (await run.job()).state is JobState.SUCCEEDED


async def test_cancelled_while_it_reports_its_outcome_is_there_once(rig: Rig) -> None:
    run = await rig.start("cancelled-while-reporting")
    await rig.github.fault("hang", seconds=8, context=run.context, state="success")
    run.go()
    await _posts(run, 2)
    await _cancel(run)
    await run.shows("pending", "success", within=2 * FROM_DEATH_TO_ERROR)
    assert (await run.job()).state is JobState.SUCCEEDED


async def test_a_server_out_of_reach_at_the_jobs_end_keeps_no_outcome_from_the_commit(rig: Rig) -> None:
    name = "out-of-reach"
    async with to_http(rig.api_url.removesuffix("/api")) as (url, relay):
        env = {"PREFECT_API_URL": f"{url}/api"}
        async with rig.worker(name, env=env):
            run = await _pending(rig, name, queue=name)
            pid = await run.pid()
            relay.refused = 10**9
            relay.hang_up()
            ended = time.monotonic()
            run.go()
            await run.shows("pending", "success", within=FROM_DEATH_TO_ERROR)
            SECONDS["succeeded, with the Prefect server out of reach"] = time.monotonic() - ended
            relay.refused = 0
            await until(lambda: _is_over(pid), within=120, what=f"{name}'s process to be over")
            await run.is_over(within=INTERVAL + FROM_DEATH_TO_ERROR)


async def _is_over(pid: int) -> bool:
    return not is_alive(pid)


async def test_our_own_bug_is_an_error_on_the_commit(rig: Rig) -> None:
    folder = rig.folder / "bug"
    folder.mkdir()
    bug = "import domain.output.summary\ndomain.output.summary.summarise = None\n"  # all ends go through it
    (folder / "sitecustomize.py").write_text(bug, encoding="utf-8")
    name = "our-own-bug"
    async with rig.worker(name, env={"PYTHONPATH": str(folder)}):
        run = await _pending(rig, name, queue=name)
        ended = time.monotonic()
        run.go()
        await run.shows("pending", "error", within=FROM_DEATH_TO_ERROR)
        SECONDS["a bug of Reportback"] = time.monotonic() - ended
        await run.is_over("FAILED", "CRASHED", within=SENT)


async def test_a_machine_that_was_suspended_brings_its_real_outcome(rig: Rig) -> None:
    run = await rig.start("suspended")
    await run.is_at_work()
    await run.shows("pending", within=SENT)
    await run.seems_elsewhere()
    async with run.suspended():
        await run.shows("pending", "error", within=FROM_DEATH_TO_ERROR)
    run.go()
    await run.shows("pending", "error", "success", within=2 * SENT)
    assert (await run.job()).state is JobState.SUCCEEDED


async def test_a_run_that_never_starts_is_seen_to_be_late(rig: Rig) -> None:
    run = await rig.start("never", queue="nobody")

    async def is_late() -> bool:
        return (await run.state()).name == "Late"

    await until(is_late, within=60, what="the run to be Late")
    await rig.prefect.set_state(run.id, "CANCELLED")


async def _cancel(run: Run) -> None:
    await run.prefect.set_state(run.id, "CANCELLING")
    await run.is_over("CANCELLED", within=STARTS)


async def _posts(run: Run, count: int) -> None:
    """Wait until GitHub has seen that many requests for the run."""

    async def have_come() -> bool:
        requests = await run.github.requests()
        return sum(one["method"] == "POST" and one["context"] == run.context for one in requests) >= count

    await until(have_come, within=STARTS, what=f"{count} requests of {run.name}")
