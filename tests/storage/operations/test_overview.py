"""The data of the status page for a ledger in a known state, on both databases."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from ledger_jobs import CREDENTIAL, order, run_job
from sqlalchemy import event
from sqlmodel import update
from world import World

from domain.delivery.report import Phase
from domain.operations.metrics import Pause
from domain.operations.overview import SLOT, SLOTS, Overview, Slot, day_before
from fake_github.faults import Kind
from storage.delivery import reconciliation_runs
from storage.models import StatusReport
from storage.operations.overview import EXAMPLES, OLDEST, overview

HOUR = 3600
MOST_STATEMENTS = 12


async def seen(world: World) -> Overview:
    return await world.ledger.read(overview)


async def delivered(world: World, context: str, *, after: float) -> None:
    """An outcome that is on GitHub so many seconds after its job's end."""
    await run_job(world.ledger, order(context))
    world.clock.advance(after)
    await world.deliver(context)


async def passed(world: World, undelivered: int) -> None:
    with world.ledger.transaction() as tx:
        number = reconciliation_runs.begin(tx, uuid4())
        reconciliation_runs.end(tx, number, began=tx.now, delivered=0, undelivered=undelivered)


async def test_an_empty_ledger_has_nothing_to_show(world: World) -> None:
    shown = await seen(world)
    assert (shown.undelivered, shown.oldest, shown.rejected, shown.pauses) == (0, (), (), ())
    assert shown.day.slots == (Slot(),) * SLOTS
    assert (shown.day.outcomes, shown.day.requests, shown.day.median, shown.day.worst) == ({}, 0, None, None)


async def test_undelivered_are_counted_and_the_oldest_shown(world: World) -> None:
    for number in range(OLDEST + 3):
        await run_job(world.ledger, order(f"docs/{number}"))
        world.clock.advance(1)
    shown = await seen(world)
    assert shown.undelivered == OLDEST + 3
    assert [one.target.context for one in shown.oldest] == [f"docs/{number}" for number in range(OLDEST)]
    assert shown.oldest[0].phase is Phase.DUE
    assert shown.at - shown.oldest[0].recorded_at == timedelta(seconds=OLDEST + 3)


async def test_rejected_reports_are_grouped_by_reason_most_first(world: World) -> None:
    world.fault(Kind.GONE, context="docs/alone")
    await delivered(world, "docs/alone", after=0)
    for number in range(EXAMPLES + 1):
        world.fault(Kind.ARCHIVED, context=f"docs/{number}")
        await delivered(world, f"docs/{number}", after=0)
    shown = await seen(world)
    assert [(one.reason, one.count) for one in shown.rejected] == [("archived", EXAMPLES + 1), ("gone", 1)]
    assert [one.target.context for one in shown.rejected[0].oldest] == [f"docs/{number}" for number in range(EXAMPLES)]
    assert "read-only" in (shown.rejected[0].oldest[0].last_error or "")


async def test_a_superseded_rejected_report_is_not_shown(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    await delivered(world, "docs/sphinx", after=0)
    await run_job(world.ledger, order("docs/sphinx"))
    shown = await seen(world)
    assert (shown.rejected, shown.undelivered) == ((), 1)


async def test_a_pausing_credential_is_named_with_its_reason(world: World) -> None:
    world.fault(Kind.BAD_CREDENTIALS)
    await delivered(world, "docs/sphinx", after=0)
    shown = await seen(world)
    (pause,) = shown.pauses
    assert pause == Pause(CREDENTIAL, pause.until, "bad_credentials")
    assert pause.until > shown.at
    assert shown.oldest[0].blockers.pause_reason == "bad_credentials"


async def test_a_days_outcomes_are_counted_by_delivery_state(world: World) -> None:
    await delivered(world, "docs/of-the-day-before", after=1)
    world.clock.advance(25 * HOUR)
    for seconds in (1, 2, 40):
        await delivered(world, f"docs/{seconds}", after=seconds)
    await run_job(world.ledger, order("docs/due"))
    world.fault(Kind.ARCHIVED, context="docs/refused")
    await delivered(world, "docs/refused", after=0)
    day = (await seen(world)).day
    assert day.outcomes == {Phase.DELIVERED: 3, Phase.DUE: 1, Phase.REJECTED: 1}
    assert day.requests == 4
    assert (day.median, day.worst) == (timedelta(seconds=2), timedelta(seconds=40))


async def test_slots_hold_what_ended_and_what_was_left_in_each(world: World) -> None:
    for undelivered, seconds in ((3, (5, 1, 2)), (7, (100,))):
        for after in seconds:
            await delivered(world, f"docs/{undelivered}-{after}", after=after)
        await passed(world, undelivered)
        await passed(world, undelivered - 1)
        world.clock.advance(SLOT.total_seconds() * 2)
    day = (await seen(world)).day
    assert day.since == day_before(world.clock.now)
    assert day.slots[-5] == Slot(3, timedelta(seconds=2), timedelta(seconds=5))
    assert day.slots[-4] == Slot()
    assert day.slots[-3] == Slot(7, timedelta(seconds=100), timedelta(seconds=100))


async def test_a_dead_run_has_no_result(world: World) -> None:
    await world.ledger.write(reconciliation_runs.begin, uuid4())
    assert (await seen(world)).day.slots[-1] == Slot()


async def test_a_report_that_was_repaired_does_not_count_as_slow(world: World) -> None:
    await delivered(world, "docs/sphinx", after=1)
    with world.ledger.transaction() as tx:
        tx.session.exec(update(StatusReport).values(edition=2))
    assert (await seen(world)).day.worst is None


async def test_it_takes_no_more_statements_with_more_to_show(world: World) -> None:
    world.fault(Kind.ARCHIVED, context="docs/refused")
    await delivered(world, "docs/refused", after=0)
    for number in range(5):
        await run_job(world.ledger, order(f"docs/{number}"))
    told: list[Any] = []
    event.listen(world.ledger.engine, "before_cursor_execute", lambda *words: told.append(words[2]))
    await seen(world)
    assert len(told) <= MOST_STATEMENTS, told
