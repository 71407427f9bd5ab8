"""The ledger fails at a job's beginning or end: the outcome is stored once the ledger is back."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import pytest
from executions import CutOff, Executions, ended_of, overtaken
from failing import REFUSALS, FullDisk, PostgreSQL
from ledger_jobs import end
from relay import Fate, Relay
from sqlmodel import col, select
from transactions import value
from waiting import until
from world import World

from domain.jobs.job_states import JobState
from storage import engines
from storage.ledger import Ledger, open_ledger
from storage.models import Job, StatusReport
from tasks.delivery import ledger_retry
from tasks.delivery.reporter import Reporter
from tasks.jobs import run_execution as module
from tasks.jobs.execution_spec import EndedExecution, Work

Started: TypeAlias = "tuple[Work, asyncio.Task[EndedExecution | None]]"
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])


@pytest.fixture(autouse=True)
def waits_are_brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_EVERY", timedelta(seconds=0.05))
    monkeypatch.setattr(ledger_retry, "RETRY_EVERY", timedelta(seconds=0.05))


UNTIL_TOLD = "touch {0}/began; while [ ! -e {0}/go ]; do sleep 0.02; done"
"""The script of a job that says when it has begun, and succeeds once it may."""


async def started(world: World, folder: Path, by: Reporter | None = None) -> Started:
    """A job that runs until there is `go` in *folder*."""
    executions = Executions(world)
    work = await executions.accept(UNTIL_TOLD.format(folder))
    running = executions.start(work, by=by)
    await until((folder / "began").exists)
    return work, running


async def assert_succeeded(world: World, ended: EndedExecution | None) -> None:
    """The job has, once, and GitHub shows it, once."""
    assert ended_of(ended).state is JobState.SUCCEEDED
    with world.ledger.transaction() as tx:
        assert tx.session.exec(select(Job.state)).one() is JobState.SUCCEEDED
        found = tx.session.exec(select(StatusReport).order_by(col(StatusReport.id)))
        recorded = [report.state.value for report in found]
    assert recorded == ["pending", "success"]
    assert ended_of(ended).report == await world.newest()
    await world.reconcile()
    assert world.held() == ["success"]


@ON_POSTGRESQL
async def test_a_job_that_succeeds_while_postgresql_is_stopped_has_succeeded_once_it_is_started(
    world: World, server: PostgreSQL, tmp_path: Path, logged: list[str]
) -> None:
    _, running = await started(world, tmp_path)
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
    async with open_ledger(await server.made_role(role), clock=world.clock.of_ledger) as ledger:
        _, running = await started(world, tmp_path, await world.sender(ledger=ledger))
        async with server.refusing(REFUSALS[refusal], role):
            (tmp_path / "go").touch()
            await until(lambda: len(logged) >= 2)
        await assert_succeeded(world, await running)
    assert [
        one
        for one in logged
        if not one.startswith("the job's end could not be stored, and is tried again until it succeeds: ")
    ] == []


SLOW = (
    "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$",
    "CREATE TRIGGER slow BEFORE UPDATE ON job FOR EACH ROW EXECUTE FUNCTION slow()",
)


@ON_POSTGRESQL
async def test_a_job_that_succeeds_while_statements_take_too_long_has_succeeded_once_they_do_not(
    world: World, ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(engines, "STATEMENT_WAIT", 0.3)
    async with open_ledger(ledger_url, clock=world.clock.of_ledger) as ledger:
        _, running = await started(world, tmp_path, await world.sender(ledger=ledger))
        for statement in SLOW:
            await value(world.ledger, statement)
        try:
            (tmp_path / "go").touch()
            await until(lambda: len(logged) >= 2)
        finally:
            await value(world.ledger, "DROP FUNCTION slow CASCADE")
        await assert_succeeded(world, await running)


@ON_SQLITE
async def test_a_job_that_succeeds_while_another_schema_stands_there_has_succeeded_once_its_own_is_back(
    world: World, ledger_url: str, tmp_path: Path, logged: list[str]
) -> None:
    _, running = await started(world, tmp_path)
    with closing(sqlite3.connect(ledger_url.removeprefix("sqlite:///"))) as other:
        other.execute("ALTER TABLE job RENAME TO another_job")
        try:
            (tmp_path / "go").touch()
            await until(lambda: len(logged) >= 2)
        finally:
            other.execute("ALTER TABLE another_job RENAME TO job")
    await assert_succeeded(world, await running)
    assert "no such table: job" in logged[0]


@pytest.mark.parametrize("cancels", [1, 3])
async def test_an_end_that_waits_for_its_ledger_outlasts_every_cancel(
    world: World, tmp_path: Path, cancels: int, logged: list[str]
) -> None:
    """Only killing the process ends the wait, since the outcome is stored nowhere else."""
    connection = CutOff()
    _, running = await started(world, tmp_path, connection.reporter(world))
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
    with world.ledger.transaction() as tx:
        assert tx.session.exec(select(Job.state)).one() is JobState.SUCCEEDED
    await world.reconcile()
    assert world.held() == ["success"]


@ON_POSTGRESQL
async def test_a_job_that_is_to_begin_while_postgresql_is_stopped_begins_once_it_is_started(
    world: World, server: PostgreSQL, logged: list[str]
) -> None:
    executions = Executions(world)
    work = await executions.accept("true")
    async with server.stopped():
        running = executions.start(work)
        await until(lambda: len(logged) >= 2)
    await assert_succeeded(world, await running)
    assert all(one.startswith("the job could not be started, and is tried again until it succeeds: ") for one in logged)


@ON_SQLITE
async def test_a_job_that_succeeds_while_the_disk_is_full_has_succeeded_once_there_is_room(
    world: World, full_disk: FullDisk, tmp_path: Path, logged: list[str]
) -> None:
    _, running = await started(world, tmp_path)
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
    executions = Executions(world)
    work = await executions.accept("true")
    between.lose_next(b"COMMIT", fate, skip=number)
    await assert_succeeded(world, await executions.carry_out(work, by=await world.sender(ledger=ledger)))
    assert (between.lost, len(logged)) == (1, 1)


async def test_a_job_taken_for_lost_while_its_end_waited_ends_with_its_own_outcome(
    world: World, tmp_path: Path, logged: list[str]
) -> None:
    """Its process is cut off from the ledger, which others can use meanwhile."""
    connection = CutOff()
    work, running = await started(world, tmp_path, connection.reporter(world))
    connection.is_down = True
    (tmp_path / "go").touch()
    await until(lambda: len(logged) >= 1)
    await end(world.ledger, work.execution, JobState.LOST, "lost: no sign of life")
    await world.deliver()
    connection.is_down = False
    assert ended_of(await running).state is JobState.SUCCEEDED
    await world.reconcile()
    assert world.held() == ["error", "success"]


@ON_POSTGRESQL
async def test_an_end_stored_by_another_process_during_an_outage_stays(
    world: World, relay: tuple[Ledger, Relay]
) -> None:
    own, between = relay
    executions = Executions(world)
    work = await executions.accept("true")

    async def cancel() -> None:
        if between.lost:
            await end(world.ledger, work.execution, JobState.CANCELLED, "cancelled by ann")

    between.lose_next(b"COMMIT", Fate.LOST, skip=1)
    assert await executions.carry_out(work, by=replace(world.reporter, ledger=overtaken(own, cancel))) is None
    await world.reconcile()
    assert world.held() == ["error"]
