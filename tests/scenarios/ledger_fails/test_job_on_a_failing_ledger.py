"""The ledger fails at a job's beginning or end: the outcome is stored once the ledger is back."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from failing import REFUSALS, FullDisk, PostgreSQL
from relay import Fate, Relay
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from waiting import until
from world import World, accept, end, order

from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from storage.ledger import Ledger, LedgerUnavailable, open_ledger
from storage.models import Job, StatusReport
from tasks.delivery import ledger_retry
from tasks.delivery.reporter import Reporter
from tasks.jobs import run_execution as module
from tasks.jobs.execution_spec import EndedExecution, Work
from tasks.jobs.run_execution import Callbacks, carry_out

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])


@pytest.fixture(autouse=True)
def waits_are_brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_EVERY", timedelta(seconds=0.05))
    monkeypatch.setattr(ledger_retry, "RETRY_EVERY", timedelta(seconds=0.05))


async def job(world: World, script: str) -> Work:
    asked = order()
    job_type = JobType(name="sphinx", command=("sh", "-c", script))
    return Work(await accept(world.ledger, asked), asked, job_type, None)


async def job_until_told(world: World, folder: Path) -> Work:
    """A job that makes `began` in *folder* and succeeds once `go` is there."""
    return await job(world, f"touch {folder}/began; while [ ! -e {folder}/go ]; do sleep 0.02; done")


async def carried_out(reporter: Reporter, work: Work) -> EndedExecution | None:
    async def no_group(_: object) -> None:
        raise AssertionError("there is no group")

    async def not_cancelled() -> bool:
        return False

    return await carry_out(reporter, work, Callbacks(lambda _: None, no_group, not_cancelled))


async def assert_succeeded(world: World, ended: EndedExecution | None) -> None:
    """The job has, once, and GitHub shows it, once."""
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    async with world.ledger.transaction() as session:
        assert (await session.exec(select(Job.state))).one() is JobState.SUCCEEDED
        found = await session.exec(select(StatusReport).order_by(col(StatusReport.id)))
        recorded = [report.state.value for report in found]
    assert recorded == ["pending", "success"]
    assert ended.report == await world.newest()
    await world.reconcile()
    assert world.held() == ["success"]


@ON_POSTGRESQL
async def test_a_job_that_succeeds_while_postgresql_is_stopped_has_succeeded_once_it_is_started(
    world: World, server: PostgreSQL, tmp_path: Path, logged: list[str]
) -> None:
    work = await job_until_told(world, tmp_path)
    running = asyncio.create_task(carried_out(world.reporter, work))
    await until((tmp_path / "began").exists)
    async with server.stopped():
        (tmp_path / "go").touch()
        await until(lambda: len(logged) >= 2)
    await assert_succeeded(world, await running)
    assert all(
        one.startswith("the job's end could not be stored, and is tried again until it succeeds: ") for one in logged
    )


@ON_POSTGRESQL
@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_job_that_succeeds_while_postgresql_refuses_everything_has_succeeded_once_it_does_not(
    world: World, server: PostgreSQL, tmp_path: Path, refusal: str, logged: list[str]
) -> None:
    role = f"worker_{uuid4().hex}"
    work = await job_until_told(world, tmp_path)
    async with open_ledger(await server.made_role(role), clock=world.clock.of_ledger) as ledger:
        running = asyncio.create_task(carried_out(await world.sender(ledger=ledger), work))
        await until((tmp_path / "began").exists)
        async with server.refusing(REFUSALS[refusal], role):
            (tmp_path / "go").touch()
            await until(lambda: len(logged) >= 2)
        await assert_succeeded(world, await running)
    assert [
        one
        for one in logged
        if not one.startswith("the job's end could not be stored, and is tried again until it succeeds: ")
    ] == []


@ON_SQLITE
async def test_a_job_that_succeeds_while_another_schema_stands_there_has_succeeded_once_its_own_is_back(
    world: World, ledger_url: str, tmp_path: Path, logged: list[str]
) -> None:
    work = await job_until_told(world, tmp_path)
    running = asyncio.create_task(carried_out(world.reporter, work))
    await until((tmp_path / "began").exists)
    with closing(sqlite3.connect(ledger_url.removeprefix("sqlite:///"))) as other:
        other.execute("ALTER TABLE job RENAME TO another_job")
        try:
            (tmp_path / "go").touch()
            await until(lambda: len(logged) >= 2)
        finally:
            other.execute("ALTER TABLE another_job RENAME TO job")
    await assert_succeeded(world, await running)
    assert "no such table: job" in logged[0]


@dataclass(frozen=True, slots=True)
class OvertakenLedger(Ledger):
    """A ledger to which something is done before each transaction."""

    first: Callable[[], Awaitable[None]]

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        await self.first()
        async with Ledger.transaction(self) as session:
            yield session


def overtaken(own: Ledger, first: Callable[[], Awaitable[None]]) -> Ledger:
    return OvertakenLedger(own.engine, own.sessions, own.clock, first)


@dataclass(slots=True)
class CutOff:
    """A reporter's connection to its ledger, which fails while it is down; others can use the ledger meanwhile."""

    is_down: bool = False

    async def check(self) -> None:
        if self.is_down:
            raise LedgerUnavailable(OSError("connection refused"))

    def reporter(self, world: World) -> Reporter:
        return replace(world.reporter, ledger=overtaken(world.ledger, self.check))


@pytest.mark.parametrize("cancels", [1, 3])
async def test_an_end_that_waits_for_its_ledger_outlasts_every_cancel(
    world: World, tmp_path: Path, cancels: int, logged: list[str]
) -> None:
    """Only killing the process ends the wait, since the outcome is stored nowhere else."""
    connection = CutOff()
    work = await job_until_told(world, tmp_path)
    running = asyncio.create_task(carried_out(connection.reporter(world), work))
    await until((tmp_path / "began").exists)
    connection.is_down = True
    (tmp_path / "go").touch()
    try:
        for number in range(cancels):
            await until(lambda least=number + 1: len(logged) >= least)  # type: ignore[misc]  # mypy infers no default
            running.cancel()
        await until(lambda: len(logged) >= cancels + 1)
    finally:
        connection.is_down = False
    with pytest.raises(asyncio.CancelledError):
        await running
    async with world.ledger.transaction() as session:
        assert (await session.exec(select(Job.state))).one() is JobState.SUCCEEDED
    await world.reconcile()
    assert world.held() == ["success"]


@ON_POSTGRESQL
async def test_a_job_that_is_to_begin_while_postgresql_is_stopped_begins_once_it_is_started(
    world: World, server: PostgreSQL, logged: list[str]
) -> None:
    work = await job(world, "true")
    async with server.stopped():
        running = asyncio.create_task(carried_out(world.reporter, work))
        await until(lambda: len(logged) >= 2)
    await assert_succeeded(world, await running)
    assert all(one.startswith("the job could not be started, and is tried again until it succeeds: ") for one in logged)


@ON_SQLITE
async def test_a_job_that_succeeds_while_the_disk_is_full_has_succeeded_once_there_is_room(
    world: World, full_disk: FullDisk, tmp_path: Path, logged: list[str]
) -> None:
    work = await job_until_told(world, tmp_path)
    running = asyncio.create_task(carried_out(world.reporter, work))
    await until((tmp_path / "began").exists)
    await full_disk.strike()
    try:
        (tmp_path / "go").touch()
        await until(lambda: len(logged) >= 2)
    finally:
        full_disk.mend()
    await assert_succeeded(world, await running)
    assert "the ledger is unavailable: disk I/O error" in logged[0]


@ON_POSTGRESQL
@pytest.mark.parametrize("number", [0, 1], ids=["beginning", "end"])
@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNANSWERED])
async def test_a_beginning_or_an_end_whose_commit_was_lost_counts_once(
    world: World, relay: tuple[Ledger, Relay], fate: Fate, number: int, logged: list[str]
) -> None:
    """Whether it was stored is unknown: it is repeated, with the same result."""
    ledger, between = relay
    work = await job(world, "true")
    between.lose_next(b"COMMIT", fate, skip=number)
    await assert_succeeded(world, await carried_out(await world.sender(ledger=ledger), work))
    assert (between.lost, len(logged)) == (1, 1)


async def test_a_job_taken_for_lost_while_its_end_waited_ends_with_its_own_outcome(
    world: World, tmp_path: Path, logged: list[str]
) -> None:
    """Its process is cut off from the ledger, which others can use meanwhile."""
    connection = CutOff()
    work = await job_until_told(world, tmp_path)
    running = asyncio.create_task(carried_out(connection.reporter(world), work))
    await until((tmp_path / "began").exists)
    connection.is_down = True
    (tmp_path / "go").touch()
    await until(lambda: len(logged) >= 1)
    await end(world.ledger, work.execution, JobState.LOST, "lost: no sign of life")
    await world.deliver()
    connection.is_down = False
    ended = await running
    assert ended is not None
    assert ended.state is JobState.SUCCEEDED
    await world.reconcile()
    assert world.held() == ["error", "success"]


@ON_POSTGRESQL
async def test_an_end_stored_by_another_process_during_an_outage_stays(
    world: World, relay: tuple[Ledger, Relay]
) -> None:
    own, between = relay
    work = await job(world, "true")

    async def cancel() -> None:
        if between.lost:
            await end(world.ledger, work.execution, JobState.CANCELLED, "cancelled by ann")

    between.lose_next(b"COMMIT", Fate.LOST, skip=1)
    assert await carried_out(replace(world.reporter, ledger=overtaken(own, cancel)), work) is None
    await world.reconcile()
    assert world.held() == ["error"]
