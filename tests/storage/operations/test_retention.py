"""Pruning removes old settled jobs as a whole, never a report that is not on GitHub; counters never fall."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import uuid4

import pytest
from exactly_once import HOURS, verify_later
from figures import figures
from ledger_jobs import accept, begin, end, order, run_job
from pruning import KEEP, LONG, change, forgotten, long_after, pruned, rows, settled
from transactions import at
from world import World

from domain.delivery.report import EventKind
from domain.delivery.target import StatusState
from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery import reports, verification
from storage.jobs import jobs
from storage.models import Job, ReportEvent, StatusReport, StatusTarget
from tasks.delivery.verify import to_verify, verify_target

Prepared: TypeAlias = Callable[[World], Awaitable[object]]


async def test_a_settled_job_goes_with_its_target_its_reports_and_their_events(world: World) -> None:
    await settled(world)
    await long_after(world)
    assert await pruned(world) == 1
    assert rows(world) == {}


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
    assert rows(world) == {Job: 1}


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


async def due_again(world: World) -> None:
    await settled(world)
    await due(world)


@pytest.mark.parametrize(
    "prepared", [due, due_again, rejected, in_doubt, paused, under_way, leased, to_be_verified, doubted_lately]
)
async def test_an_unsettled_report_is_never_pruned(world: World, prepared: Prepared) -> None:
    await prepared(world)
    await long_after(world)
    assert await pruned(world) == 0


async def test_a_report_that_was_delivered_late_stays_as_long_from_then_on(world: World) -> None:
    await rejected(world)
    newest = (await world.target("docs/old")).newest_id or 0
    world.clock.advance(LONG)
    with world.ledger.transaction() as tx:
        reports.reopen(at(tx, actor="ann"), newest, credential="env:TOKEN")
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
    assert rows(world) == {Job: 1, StatusTarget: 1, StatusReport: 2, ReportEvent: 6}
    assert EventKind.REJECTED in await world.events("docs/old")


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
    assert (rows(world))[StatusTarget] == 1
    assert await pruned(world) == 1
    assert rows(world) == {}


async def test_a_lost_job_goes_and_its_process_finds_nothing_to_come_back_to(world: World) -> None:
    execution = await accept(world.ledger, order("docs/old"))
    await begin(world.ledger, execution)
    await end(world.ledger, execution, JobState.LOST)
    await world.deliver("docs/old")
    await long_after(world)
    assert await pruned(world) == 1
    assert await end(world.ledger, execution) is None
    with world.ledger.transaction() as tx:
        assert not jobs.heartbeat(tx, execution.job_id, execution.number)


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
    target_id = await world.target_id("docs/0")
    with world.ledger.transaction() as tx:
        seen = verification.take_snapshot(tx, target_id)
        assert seen is not None
        verification.note_doubled(tx, seen, seen.ours.newest)
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
