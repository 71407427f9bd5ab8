"""A job stopped while it ends: its end is stored once, and only when none of its processes runs."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cancelling import cancel_all, skip
from executions import Executions, assert_no_process_is_left, overtaken
from full import FULL, thinned
from ledger_jobs import order
from processes import ROOT
from sqlmodel import select
from waiting import block_until
from world import World

from domain.jobs.job_states import JobState
from storage.ledger import LedgerUnavailable, open_ledger
from storage.models import Job
from tasks.jobs.execution_spec import Work

LIMIT = 50.0
"""Seconds: more than a job takes to begin on a busy machine, and less than its end may take."""

STAY = """
import os, pathlib, signal, sys, time
here = pathlib.Path(sys.argv[1])
signal.signal(signal.SIGTERM, lambda *_: (here / "asked").touch())
(here / str(os.getpid())).touch()
(here / "ready").touch()
while not (here / "go").exists():
    time.sleep(0.02)
"""
"""Notes that it was asked to end, and stays until it may go. No shell: dash loses signals while it starts programs."""


def stay(folder: Path) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", STAY, str(folder))


@dataclass
class Rig(Executions):
    folder: Path = field(kw_only=True)

    async def there(self, name: str) -> None:
        await asyncio.to_thread(block_until, (self.folder / name).exists)

    async def has(self, work: Work, state: JobState, *reports: str) -> bool:
        """Whether this is the job's state, and these are its reports."""
        return (await self.job(work)).state is state and tuple(one for one, _ in await self.reports()) == reports


@pytest.fixture
def rig(world: World, tmp_path: Path) -> Iterator[Rig]:
    yield Rig(world, folder=tmp_path)
    (tmp_path / "go").touch()


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize(
    ("ends_by", "times"), thinned(("its exit", "its time limit", "a cancel", "a cancel behind its back"), (1, 3))
)
async def test_a_signal_in_the_grace_stores_the_end_only_once_nothing_is_left(
    rig: Rig, ends_by: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.jobs.heartbeat.CANCEL_CHECK_EVERY", timedelta(seconds=0.02))
    others = asyncio.all_tasks()
    leave = ("sh", "-c", f'"$@" & until [ -e {rig.folder}/ready ]; do sleep 0.02; done', "sh")
    command = (*(leave if ends_by == "its exit" else ()), *stay(rig.folder))
    work = await rig.accept(command, order(group="g"), timeout=LIMIT)
    running = rig.start(work)
    await rig.there("ready")
    if ends_by == "its time limit":
        skip(LIMIT)
    elif ends_by == "a cancel":
        running.cancel()
    elif ends_by == "a cancel behind its back":
        rig.why_cancelled = "cancelled"
    await rig.there("asked")
    for _ in range(times):
        cancel_all(others)
        await asyncio.wait({running}, timeout=0.1)
    assert (await rig.job(work)).state is JobState.RUNNING
    (rig.folder / "go").touch()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert_no_process_is_left(rig.folder)
    assert await rig.has(work, JobState.CANCELLED, "pending", "error")


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_signal_while_the_end_waits_for_the_ledger_changes_nothing_of_it(
    rig: Rig, times: int, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr("tasks.delivery.ledger_retry.RETRY_EVERY", timedelta(seconds=0.02))
    away, others = rig.folder / "away", asyncio.all_tasks()

    async def check() -> None:
        if away.exists():
            raise LedgerUnavailable(OSError("gone"))

    ledger = overtaken(rig.world.ledger, check)
    work = await rig.accept(f"touch {away}")
    running = rig.start(work, by=replace(rig.world.reporter, ledger=ledger))
    try:
        for _ in range(times):
            logged.clear()
            await asyncio.to_thread(block_until, lambda: bool(logged))
            cancel_all(others)
        await asyncio.sleep(0.05)
    finally:
        away.unlink(missing_ok=True)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await rig.has(work, JobState.SUCCEEDED, "pending", "success")


FLOW = """
import asyncio, signal, sys
from uuid import UUID
from executions import Executions
from storage.ledger import open_ledger
from ledger_jobs import order
from world import Clock, world_on
class Terminated(BaseException): pass
def terminated(number, frame): raise Terminated
async def main(url, job, *command):
    async with open_ledger(url) as ledger, world_on(ledger, Clock()) as world:
        await Executions(world).run(command, order(flow_run_id=UUID(job)))
signal.signal(signal.SIGTERM, terminated)
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("times", [1, 3] if FULL else [3])
def test_a_flow_that_gets_sigterm_leaves_when_nothing_of_its_job_is_left(times: int, tmp_path: Path) -> None:
    job, url = uuid4(), f"sqlite:///{tmp_path}/ledger.db"
    argv = [sys.executable, "-c", FLOW, url, str(job), *stay(tmp_path)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    with subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.DEVNULL) as flow:
        try:
            block_until((tmp_path / "ready").exists, within=60)
            flow.send_signal(signal.SIGTERM)
            block_until((tmp_path / "asked").exists)
            for _ in range(times - 1):
                flow.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                flow.wait(0.3)
        finally:
            (tmp_path / "go").touch()
        flow.wait(60)
        assert_no_process_is_left(tmp_path)
    assert asyncio.run(state_in(url)) is JobState.CANCELLED


async def state_in(url: str) -> JobState:
    async with open_ledger(url) as ledger:
        with ledger.transaction() as tx:
            return tx.session.exec(select(Job)).one().state
