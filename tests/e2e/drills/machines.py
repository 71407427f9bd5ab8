"""Drills: the machine of a worker dies, its disk is full, its job types are wrong, a job hangs, Prefect is away."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from drilling import HEALED, Drill, Samples, drill, seconds_since_a_pass, shows
from e2e_rig import INTERVAL, Rig
from e2e_run import STARTS, Run

from storage.operations import metrics

pytestmark = pytest.mark.asyncio(loop_scope="session")

LOST = "reportback_jobs_total"
AWAY = 3 * INTERVAL
"""Seconds that stand for five minutes of Prefect's absence."""


async def test_the_machine_of_a_worker_is_dead(rig: Rig) -> None:
    now = drill("worker machine dead")
    async with rig.worker("doomed") as doomed:
        run = await rig.start("on-a-dead-machine", queue="doomed")
        await run.is_at_work()
        lost = Samples(await rig.ledger.read(metrics.snapshot)).total(LOST, state="lost")
        doomed.kill()
        now.begins()
    await now.alert("ReportbackJobsLost", rig.ledger, lambda shown: shown.total(LOST, state="lost") > lost)
    run.go()
    async with rig.worker("doomed"):
        now.mended()
        await now.types("jobs", "retry", "--state", "lost", "--yes", env=rig.env)
        await now.healed(run.shows("pending", "error", "pending", "success", within=HEALED))


async def test_prefect_is_away(rig: Rig) -> None:
    now = drill("Prefect away 5 min", f"{AWAY} s")
    run = await rig.start("prefect-away")
    await run.is_at_work()
    await rig.server.stop()
    now.begins()
    run.go()

    async def no_pass_succeeds() -> bool:
        return await seconds_since_a_pass(rig.ledger) > 2 * INTERVAL

    await now.seen(no_pass_succeeds, "ReportbackReconciliationStopped")
    await now.lasts(AWAY)
    await now.types("reconcile", env=rig.env)
    await rig.server.start()
    now.mended()
    await now.healed(run.shows("pending", "success", within=HEALED), run.is_over("COMPLETED", within=HEALED))


async def test_jobs_toml_is_broken(rig: Rig, tmp_path: Path) -> None:
    broken = tmp_path / "jobs.toml"
    broken.write_text("version = 1\n[jobs.told]\ncommand = 5\n", encoding="utf-8")
    now = drill("bad jobs.toml")
    async with rig.worker("broken", env={"REPORTBACK_JOBS_FILE": str(broken)}):
        run = await rig.start("of-a-broken-file", queue="broken")
        now.begins()
        await now.seen(lambda: shows(run, "error"), "its commit: could not start", within=STARTS + 4 * INTERVAL)
    await _retried(now, rig, run, "broken")


async def test_a_disk_is_full(rig: Rig, tmp_path: Path) -> None:
    now = drill("disk full")
    with small_disk(tmp_path / "full") as full:
        async with rig.worker("full", env={"TMPDIR": str(full)}):
            run = await rig.start("on-a-full-disk", queue="full")
            now.begins()
            await now.seen(lambda: shows(run, "error"), "its commit: no space", within=STARTS + 4 * INTERVAL)
    await _retried(now, rig, run, "full")


async def test_a_job_hangs(rig: Rig) -> None:
    now = drill("hanging job")
    run = await rig.start("hangs", job="told-in-time")
    now.begins()
    await now.seen(lambda: shows(run, "error"), "its commit: timed out", within=STARTS + 3 * INTERVAL)
    run.go()
    now.mended()
    await run.is_over(within=STARTS)
    now.does("Retry")
    await run.retry()
    await now.healed(run.shows("pending", "error", "pending", "success", within=HEALED))


async def _retried(now: Drill, rig: Rig, run: Run, queue: str) -> None:
    """The cause is gone; Retry executes the job."""
    run.go()
    await run.is_over(within=STARTS)
    async with rig.worker(queue):
        now.mended()
        now.does("Retry")
        await run.retry()
        await now.healed(run.shows_on_top("success", within=HEALED))


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 16 MiB at *place*. Needs the right to mount."""
    place.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", place), check=True)
    try:
        yield place
    finally:
        subprocess.run(("umount", "--lazy", place), check=True)
