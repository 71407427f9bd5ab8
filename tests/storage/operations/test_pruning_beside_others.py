"""Pruning in batches, beside other prunings, retries, readers and a sender that comes back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from actors import Work
from figures import HOUR, fold
from full import FULL
from ledger_jobs import order, run_job
from pruning import KEEP, change, forgotten, long_after, pruned, rows, settled
from sqlalchemy.exc import IntegrityError
from sqlmodel import select
from statements import Statements
from world import World

from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.models import Job, ReportEvent, StatusReport, StatusTarget
from storage.operations import event_counts, job_history, retention
from storage.operations.retention import PruneCursor, prune_jobs
from tasks.delivery.reporter import Reporter


async def test_a_pruning_that_does_not_commit_forgets_nothing(world: World) -> None:
    await settled(world)
    await long_after(world)
    before = rows(world)
    with pytest.raises(ZeroDivisionError), world.ledger.transaction() as tx:  # noqa: PT012  # the block is the transaction
        event_counts.fold(tx, dead_after=HOUR)
        assert prune_jobs(tx, before=world.clock.now - KEEP) == (1, None)
        raise ZeroDivisionError
    assert rows(world) == before


async def test_many_at_once_forget_each_job_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    for number in range(10):
        await settled(world, f"docs/{number}")
    await long_after(world)
    await fold(world)
    counts = await asyncio.gather(*(forgotten(world) for _ in range(4)))
    assert sum(counts) + await forgotten(world) == 10
    assert rows(world) == {}


async def test_a_walk_goes_on_behind_what_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(3):
        world.fault(Kind.ARCHIVED)
        await settled(world, f"docs/{number}")
    await settled(world)
    await long_after(world)
    places: list[PruneCursor | None] = [None]
    await fold(world)
    while len(places) == 1 or places[-1] is not None:
        _, place = await world.ledger.write(prune_jobs, before=world.clock.now - KEEP, after=places[-1])
        places.append(place)
    assert [place.number for place in places if place] == [2, 4]
    assert rows(world) == {Job: 3, StatusTarget: 3, StatusReport: 6, ReportEvent: 18}


async def test_a_retry_of_a_pruned_job_executes_anew_under_another_execution(world: World) -> None:
    """Also if it had succeeded, which is no longer known. GitHub still holds the first execution's status."""
    asked = order("docs/old")
    await run_job(world.ledger, asked)
    await world.deliver("docs/old")
    first = await markers(world)
    await long_after(world)
    assert await pruned(world) == 1
    execution = await run_job(world.ledger, replace(asked, start=2))
    assert execution.number == 2
    assert not first & await markers(world)
    world.fault(Kind.CLOSE, where="before")  # so that it is looked for before it is sent again
    await world.deliver("docs/old")
    await world.reconcile(every=60)
    assert world.held("docs/old") == ["success", "success"]


async def markers(world: World) -> set[str]:
    with world.ledger.transaction() as tx:
        found = select(StatusReport.marker).join(StatusTarget).where(StatusTarget.context == "docs/old")
        return set(tx.session.exec(found))


async def test_a_reader_during_pruning_finds_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await settled(world)
    number = (await world.target("docs/old")).newest_id or 0

    def nothing(*_: object) -> None:
        """The job's row went between two statements, as on PostgreSQL it may."""

    monkeypatch.setattr(job_history, "of_job", nothing)
    with world.ledger.transaction() as tx:
        assert job_history.of_report(tx, number) is None


async def test_a_sender_that_comes_back_long_after_changes_nothing(world: World) -> None:
    """It was suspended for weeks; GitHub holds its status, and the ledger has pruned the report."""

    async def sleep_long(step: str) -> None:
        if step == "POST":
            world.clock.advance(60)
            await world.deliver("docs/old")
            await world.reconcile(every=60)
            await change(world, verify_at=None)
            await long_after(world)
            assert await pruned(world) == 1

    await run_job(world.ledger, order("docs/old"))
    with pytest.raises(IntegrityError):
        await world.deliver("docs/old", by=await world.sender(sleep_long))
    assert rows(world) == {}


async def aged(world: World, context: str, state: JobState) -> Order:
    """A settled job old enough to be pruned, and its order."""
    asked = order(context)
    await run_job(world.ledger, asked, state)
    await world.deliver(context)
    await long_after(world)
    await fold(world)
    return asked


async def another_job_of_its_target(world: World, context: str) -> tuple[Work, Work]:
    await aged(world, context, JobState.SUCCEEDED)
    return prunes(), runs(order(context))


async def its_own_retry(world: World, context: str) -> tuple[Work, Work]:
    asked = await aged(world, context, JobState.FAILED)
    return prunes(), runs(replace(asked, start=2))


def prunes() -> Work:
    async def work(world: World, reporter: Reporter) -> None:
        await forgotten(world, reporter.ledger)

    return work


def runs(asked: Order) -> Work:
    async def work(_: World, reporter: Reporter) -> None:
        await run_job(reporter.ledger, asked)

    return work


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("prepared", [another_job_of_its_target, its_own_retry] if FULL else [its_own_retry])
async def test_in_every_order_of_statements_a_job_accepted_meanwhile_is_reported(
    world: World, ledger_url: str, prepared: Callable[[World, str], Awaitable[tuple[Work, Work]]]
) -> None:
    statements = Statements(world, ledger_url, interruptions=1, every=1 if FULL else 2)
    await statements.explore(prepared)
    assert statements.schedules > 10
    for number in range(statements.schedules):
        context = f"docs/{number}"
        newest = (await world.target(context)).newest_id
        assert newest is not None
        await world.deliver(context)
        assert world.held(context)[-1] == "success"
