"""A job stopped while it ends: its end is stored once, and only when none of its processes runs."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from callbacks import idle_callbacks
from cancelling import cancel_all, skip
from full import FULL, thinned
from processes import ROOT, is_alive, pids_in
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from waiting import block_until
from world import World, accept, order

from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from storage.ledger import Ledger, LedgerUnavailable, open_ledger
from storage.models import Job, StatusReport
from tasks.jobs.execution_spec import Work
from tasks.jobs.run_execution import carry_out

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
class Rig:
    world: World
    folder: Path
    lines: list[str]
    is_cancelled: bool = False

    async def start(self, *command: str) -> tuple[asyncio.Task[object], Work]:
        asked = order(group="g")
        job_type = JobType.model_validate({"name": "sphinx", "command": command, "timeout": LIMIT})
        work = Work(await accept(self.world.ledger, asked), asked, job_type, None)
        callbacks = replace(idle_callbacks(self.lines), is_cancelled=self._asked)
        return asyncio.create_task(carry_out(self.world.reporter, work, callbacks)), work

    async def _asked(self) -> bool:
        return self.is_cancelled

    async def state(self, work: Work) -> JobState:
        async with self.world.ledger.transaction() as session:
            return (await session.exec(select(Job).where(Job.id == work.execution.job_id))).one().state

    async def reports(self) -> list[str]:
        async with self.world.ledger.transaction() as session:
            found = await session.exec(select(StatusReport).order_by(col(StatusReport.id)))
            return [one.state.value for one in found]

    async def there(self, name: str) -> None:
        await asyncio.to_thread(block_until, (self.folder / name).exists)


@pytest.fixture
def rig(world: World, tmp_path: Path) -> Iterator[Rig]:
    yield Rig(world, tmp_path, [])
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
    running, work = await rig.start(*(leave if ends_by == "its exit" else ()), *stay(rig.folder))
    await rig.there("ready")
    if ends_by == "its time limit":
        skip(LIMIT)
    elif ends_by == "a cancel":
        running.cancel()
    elif ends_by == "a cancel behind its back":
        rig.is_cancelled = True
    await rig.there("asked")
    for _ in range(times):
        cancel_all(others)
        await asyncio.wait({running}, timeout=0.1)
    assert await rig.state(work) is JobState.RUNNING
    (rig.folder / "go").touch()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not any(map(is_alive, pids_in(rig.folder)))
    assert await rig.state(work) is JobState.CANCELLED
    assert await rig.reports() == ["pending", "error"]


@dataclass(frozen=True, slots=True)
class AwayAtTheEnd(Ledger):
    """A ledger that is unavailable while a file exists."""

    file: Path

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        if self.file.exists():
            raise LedgerUnavailable(OSError("gone"))
        async with Ledger.transaction(self) as session:
            yield session


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_signal_while_the_end_waits_for_the_ledger_changes_nothing_of_it(
    rig: Rig, times: int, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr("tasks.delivery.ledger_retry.RETRY_EVERY", timedelta(seconds=0.02))
    away, own = rig.folder / "away", rig.world.ledger
    others = asyncio.all_tasks()
    ledger = AwayAtTheEnd(own.engine, own.sessions, own.clock, away)
    asked = order()
    job_type = JobType.model_validate({"name": "sphinx", "command": ("sh", "-c", f"touch {away}")})
    work = Work(await accept(own, asked), asked, job_type, None)
    running = asyncio.create_task(carry_out(replace(rig.world.reporter, ledger=ledger), work, idle_callbacks([])))
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
    assert await rig.state(work) is JobState.SUCCEEDED
    assert await rig.reports() == ["pending", "success"]


FLOW = """
import asyncio, signal, sys
from uuid import UUID
from domain.jobs.job_type import JobType
from storage.ledger import open_ledger
from tasks.jobs.execution_spec import Work
from tasks.jobs.run_execution import carry_out
from callbacks import idle_callbacks
from world import Clock, accept, order, world_on
class Terminated(BaseException): pass
def terminated(number, frame): raise Terminated
async def main(url, job, *command):
    async with open_ledger(url) as ledger, world_on(ledger, Clock()) as world:
        asked = order(flow_run_id=UUID(job))
        job_type = JobType.model_validate({"name": "sphinx", "command": command})
        work = Work(await accept(ledger, asked), asked, job_type, None)
        await carry_out(world.reporter, work, idle_callbacks([]))
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
        assert not any(map(is_alive, pids_in(tmp_path)))
    assert asyncio.run(state_in(url)) is JobState.CANCELLED


async def state_in(url: str) -> JobState:
    async with open_ledger(url) as ledger, ledger.transaction() as session:
        return (await session.exec(select(Job))).one().state
