"""Pruning removes old settled jobs as a whole, never a report that is not on GitHub; counters never fall."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias
from uuid import uuid4

import pytest
from actors import Work
from exactly_once import HOURS, verify_later
from full import FULL
from sqlalchemy import func
from sqlalchemy.exc import NoResultFound
from sqlmodel import SQLModel, col, select, update
from statements import Statements
from world import ACTOR, World, accept, begin, end, order, run_job

from domain.delivery.report import EventKind
from domain.delivery.target import StatusState
from domain.jobs.execution import Execution, Order
from domain.jobs.job_states import JobState
from domain.operations.metrics import Snapshot
from fake_github.faults import Kind
from storage.delivery import reconciliation_runs, reports, verification
from storage.jobs import jobs
from storage.ledger import Ledger
from storage.models import Job, Reconciliation, ReportEvent, StatusReport, StatusTarget
from storage.operations import event_counts, job_history, retention
from storage.operations.metrics import snapshot
from storage.operations.retention import PruneCursor, is_after_a_gap, prune_jobs, prune_runs
from tasks.delivery.reporter import Reporter
from tasks.delivery.verify import to_verify, verify_target

HOUR = timedelta(hours=1)
KEEP = timedelta(days=30)
LONG = KEEP.total_seconds() + 1
TODAY: dict[type[SQLModel], int] = {Job: 1, StatusTarget: 1, StatusReport: 2, ReportEvent: 6}
"""The rows of a job that was delivered at once."""

Prepared: TypeAlias = Callable[[World], Awaitable[object]]


async def settled(world: World, context: str = "docs/old", state: JobState = JobState.SUCCEEDED) -> Execution:
    """Run a job and deliver its outcome."""
    execution = await run_job(world.ledger, order(context), state)
    await world.deliver(context)
    return execution


async def long_after(world: World) -> None:
    """Much later, and a job of that day: its rows have the highest ids."""
    world.clock.advance(LONG)
    await settled(world, "docs/today")


async def pruned(world: World, ledger: Ledger | None = None) -> int:
    """Fold what is old enough, then forget; how many jobs."""
    ledger = ledger or world.ledger
    async with ledger.transaction() as session:
        await event_counts.fold(session, dead_after=HOUR, now=world.clock.now)
    return await forgotten(world, ledger)


async def forgotten(world: World, ledger: Ledger | None = None) -> int:
    count, place, before = 0, None, world.clock.now - KEEP
    while True:
        async with (ledger or world.ledger).transaction() as session:
            gone, place = await prune_jobs(session, before=before, after=place)
        count += gone
        if place is None:
            return count


async def rows(world: World) -> dict[type[SQLModel], int]:
    """How many there are of each kind, but for those of today's job."""
    async with world.ledger.transaction() as session:
        found = {one: (await session.exec(select(func.count()).select_from(one))).one() for one in TODAY}
    return {one: count - TODAY[one] for one, count in found.items() if count != TODAY[one]}


async def figures(world: World) -> Snapshot:
    async with world.ledger.reading() as session:
        return await snapshot(session, now=world.clock.now)


async def change(world: World, **values: object) -> None:
    """Change the old target's row."""
    async with world.ledger.transaction() as session:
        await session.exec(update(StatusTarget).where(col(StatusTarget.context) == "docs/old").values(**values))


async def test_a_settled_job_goes_with_its_target_its_reports_and_their_events(world: World) -> None:
    await settled(world)
    await long_after(world)
    assert await pruned(world) == 1
    assert await rows(world) == {}


async def test_younger_jobs_stay(world: World) -> None:
    await settled(world)
    world.clock.advance(LONG - 2)
    await settled(world, "docs/today")
    assert await pruned(world) == 0


async def test_a_job_without_a_target_goes_too(world: World) -> None:
    asked = Order(uuid4(), "sphinx", {}, None, None, None, "")
    await run_job(world.ledger, asked)
    still_at_work = Order(uuid4(), "sphinx", {}, None, None, None, "")
    await accept(world.ledger, still_at_work)
    await long_after(world)
    assert await pruned(world) == 1
    assert await rows(world) == {Job: 1}


async def due(world: World) -> None:
    await run_job(world.ledger, order("docs/old"))


async def rejected(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    await settled(world)


async def in_doubt(world: World) -> None:
    world.fault(Kind.CLOSE, where="after")
    await settled(world)


async def paused(world: World) -> None:
    world.fault(Kind.BAD_CREDENTIALS)
    await settled(world)
    world.tokens.clear()


async def under_way(world: World) -> None:
    await begin(world.ledger, await accept(world.ledger, order("docs/old")))
    await world.deliver("docs/old")


async def leased(world: World) -> None:
    await settled(world)
    newest = (await world.target("docs/old")).newest_id
    await change(world, lease=uuid4(), sending_id=newest, lease_expires_at=world.clock.now)


async def to_be_verified(world: World) -> None:
    await settled(world)
    await change(world, verify_at=world.clock.now)


async def doubted_lately(world: World) -> None:
    await settled(world)
    await change(world, doubt_until=world.clock.now + KEEP)


@pytest.mark.parametrize(
    "prepared", [due, rejected, in_doubt, paused, under_way, leased, to_be_verified, doubted_lately]
)
async def test_an_unsettled_report_is_never_pruned(world: World, prepared: Prepared) -> None:
    await prepared(world)
    await long_after(world)
    assert await pruned(world) == 0


async def test_a_report_that_was_delivered_late_stays_as_long_from_then_on(world: World) -> None:
    await rejected(world)
    newest = (await world.target("docs/old")).newest_id or 0
    world.clock.advance(LONG)
    async with world.ledger.transaction() as session:
        await reports.reopen(session, newest, credential="env:TOKEN", actor="ann", now=world.clock.now)
    await world.deliver("docs/old")
    await verify_later(world)
    world.clock.advance(LONG - HOURS - 2)
    await settled(world, "docs/today")
    assert await pruned(world) == 0
    world.clock.advance(2)
    assert await pruned(world) == 1


async def test_rows_not_yet_in_the_totals_stay(world: World) -> None:
    await settled(world)
    await long_after(world)
    assert await forgotten(world) == 0
    assert await pruned(world) == 1


async def test_a_superseded_report_is_pruned_though_the_current_one_was_rejected(world: World) -> None:
    await run_job(world.ledger, order("docs/old"), JobState.FAILED)  # never sent: the next job supersedes it
    await settled(world)
    await rejected(world)
    await long_after(world)
    assert await pruned(world) == 2
    assert await rows(world) == {Job: 1, StatusTarget: 1, StatusReport: 2, ReportEvent: 6}
    assert EventKind.REJECTED in await world.events("docs/old")


async def test_nothing_goes_of_a_target_that_waits(world: World) -> None:
    await settled(world)
    await due(world)
    await long_after(world)
    assert await pruned(world) == 0


async def test_a_target_goes_with_the_last_of_its_jobs(world: World) -> None:
    """The job with the current outcome ends first."""
    early = await accept(world.ledger, order("docs/old"))
    await settled(world)
    world.clock.advance(100)
    await begin(world.ledger, early)
    await end(world.ledger, early)
    world.clock.advance(LONG - 50)
    await settled(world, "docs/today")
    assert await pruned(world) == 0
    world.clock.advance(51)
    assert await pruned(world) == 1
    assert (await rows(world))[StatusTarget] == 1
    assert await pruned(world) == 1
    assert await rows(world) == {}


async def test_a_lost_job_goes_and_its_process_finds_nothing_to_come_back_to(world: World) -> None:
    execution = await accept(world.ledger, order("docs/old"))
    await begin(world.ledger, execution)
    await end(world.ledger, execution, JobState.LOST)
    await world.deliver("docs/old")
    await long_after(world)
    assert await pruned(world) == 1
    assert await end(world.ledger, execution) is None
    async with world.ledger.transaction() as session:
        assert not await jobs.heartbeat(session, execution.job_id, execution.number, now=world.clock.now)


async def test_a_doubt_about_what_was_refused_in_the_end_keeps_nothing_older(world: World) -> None:
    await settled(world)
    world.fault(Kind.CLOSE)
    world.fault(Kind.ARCHIVED)
    await settled(world)
    world.clock.advance(20)
    await world.deliver("docs/old")
    assert (await world.target("docs/old")).verify_at is not None
    world.clock.advance(20)
    await long_after(world)
    assert await pruned(world) == 1


async def test_no_figure_changes(world: World) -> None:
    for number, kind in enumerate((Kind.CLOSE, Kind.SERVER_ERROR, Kind.ARCHIVED, Kind.SECONDARY_LIMIT)):
        world.fault(kind, where="after" if kind is Kind.CLOSE else "before")
        await settled(world, f"docs/{number}")
        world.clock.advance(100)
    await world.reconcile(every=100)
    async with world.ledger.transaction() as session:
        seen = await verification.take_snapshot(session, await world.target_id("docs/0"))
        assert seen is not None
        await verification.note_doubled(session, seen, seen.ours.newest, actor=ACTOR, now=world.clock.now)
    await long_after(world)
    for target_id in await to_verify(world.reporter):
        await verify_target(world.reporter, target_id)
    before = await figures(world)
    assert before.duplicates == 1
    assert await pruned(world) == 3  # what was refused stays
    assert await figures(world) == before
    await run_job(world.ledger, order("docs/0"))
    await world.deliver("docs/0")
    after = await figures(world)
    success = StatusState.SUCCESS
    assert after.deliveries[success] == before.deliveries[success] + 1
    assert sum(after.latency.counts.values()) == sum(before.latency.counts.values()) + 1


async def test_the_highest_ids_are_never_given_again(world: World) -> None:
    """SQLite would reuse them: later events would count as already in the totals, and belong to another report."""
    await settled(world)
    world.clock.advance(LONG)
    assert await pruned(world) == 0
    before = await figures(world)
    await settled(world, "docs/next")
    assert await pruned(world) == 1
    assert (await figures(world)).deliveries[StatusState.SUCCESS] == before.deliveries[StatusState.SUCCESS] + 1


async def test_neither_the_last_event_nor_the_last_report_goes(world: World) -> None:
    for context in ("docs/old", "docs/last"):
        await run_job(world.ledger, order(context))
    for context in ("docs/last", "docs/old"):
        await world.deliver(context)
    world.clock.advance(LONG)
    assert await pruned(world) == 0


async def test_a_pruning_that_does_not_commit_forgets_nothing(world: World) -> None:
    await settled(world)
    await long_after(world)
    before = await rows(world)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the block is the transaction
        async with world.ledger.transaction() as session:
            await event_counts.fold(session, dead_after=HOUR, now=world.clock.now)
            assert await prune_jobs(session, before=world.clock.now - KEEP) == (1, None)
            raise ZeroDivisionError
    assert await rows(world) == before


async def test_many_at_once_forget_each_job_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    for number in range(10):
        await settled(world, f"docs/{number}")
    await long_after(world)
    async with world.ledger.transaction() as session:
        await event_counts.fold(session, dead_after=HOUR, now=world.clock.now)
    counts = await asyncio.gather(*(forgotten(world) for _ in range(4)))
    assert sum(counts) + await forgotten(world) == 10
    assert await rows(world) == {}


async def test_a_walk_goes_on_behind_what_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for number in range(3):
        world.fault(Kind.ARCHIVED)
        await settled(world, f"docs/{number}")
    await settled(world)
    await long_after(world)
    places: list[PruneCursor | None] = [None]
    async with world.ledger.transaction() as session:
        await event_counts.fold(session, dead_after=HOUR, now=world.clock.now)
    while len(places) == 1 or places[-1] is not None:
        async with world.ledger.transaction() as session:
            _, place = await prune_jobs(session, before=world.clock.now - KEEP, after=places[-1])
        places.append(place)
    assert [place.number for place in places if place] == [2, 4]
    assert await rows(world) == {Job: 3, StatusTarget: 3, StatusReport: 6, ReportEvent: 18}


async def test_a_run_out_of_time_stores_where_the_next_goes_on(world: World) -> None:
    """To the microsecond, as the walk itself has it."""
    place = PruneCursor(world.clock.now + timedelta(microseconds=1), 7)
    found = []
    for stopped in (None, place, replace(place, number=8), None):
        async with world.ledger.transaction() as session:
            await retention.save_cursor(session, stopped)
        async with world.ledger.transaction() as session:
            found.append(await retention.read_cursor(session))
    assert found == [None, place, replace(place, number=8), None]


@pytest.mark.parametrize(
    ("ended", "is_one"),
    [((), False), ((0,), False), ((0, 86400), False), ((0, 86401), True), ((0, 86401, 86402), False)],
)
async def test_more_than_a_day_between_the_last_two_ended_runs_is_a_gap(
    world: World, ended: tuple[int, ...], *, is_one: bool
) -> None:
    began = world.clock.now
    for seconds in ended:
        world.clock.now = began + timedelta(seconds=seconds)
        await ended_pass(world)
        await ended_pass(world, seconds=None)
    async with world.ledger.transaction() as session:
        assert await is_after_a_gap(session, now=world.clock.now) == is_one
        assert await is_after_a_gap(session, now=world.clock.now + timedelta(days=2)) == bool(ended)


async def ended_pass(world: World, *, seconds: float | None = 1) -> None:
    async with world.ledger.transaction() as session:
        number = await reconciliation_runs.begin(session, uuid4(), now=world.clock.now)
        if seconds is not None:
            await reconciliation_runs.end(session, number, delivered=0, undelivered=0, now=world.clock.now)


async def prune_old_passes(world: World) -> bool:
    async with world.ledger.transaction() as session:
        return await prune_runs(session, before=world.clock.now - KEEP)


async def count_passes(world: World) -> int:
    async with world.ledger.transaction() as session:
        return (await session.exec(select(func.count()).select_from(Reconciliation))).one()


async def test_old_runs_are_pruned_and_stay_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for seconds in (1, None, 1):
        await ended_pass(world, seconds=seconds)
    world.clock.advance(LONG)
    await ended_pass(world)
    assert not await prune_old_passes(world)
    assert await count_passes(world) == 4  # not in the totals yet
    await pruned(world)
    before = await figures(world)
    assert [await prune_old_passes(world) for _ in range(2)] == [True, False]
    assert await count_passes(world) == 1
    assert await figures(world) == before
    assert before.passes == {True: 3, False: 1}


async def test_the_last_run_stays(world: World) -> None:
    await ended_pass(world)
    world.clock.advance(LONG)
    await pruned(world)
    await prune_old_passes(world)
    assert await count_passes(world) == 1


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
    async with world.ledger.transaction() as session:
        found = select(StatusReport.marker).join(StatusTarget).where(StatusTarget.context == "docs/old")
        return set(await session.exec(found))


async def test_a_reader_during_pruning_finds_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await settled(world)
    number = (await world.target("docs/old")).newest_id or 0

    async def nothing(*_: object) -> None:
        """The job's row went between two statements, as on PostgreSQL it may."""

    monkeypatch.setattr(job_history, "of_job", nothing)
    async with world.ledger.transaction() as session:
        assert await job_history.of_report(session, number) is None


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
    with pytest.raises(NoResultFound):
        await world.deliver("docs/old", by=await world.sender(sleep_long))
    assert await rows(world) == {}


async def aged(world: World, context: str, state: JobState) -> Order:
    """A settled job old enough to be pruned, and its order."""
    asked = order(context)
    await run_job(world.ledger, asked, state)
    await world.deliver(context)
    await long_after(world)
    async with world.ledger.transaction() as session:
        await event_counts.fold(session, dead_after=HOUR, now=world.clock.now)
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
