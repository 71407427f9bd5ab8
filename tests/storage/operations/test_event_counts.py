"""Folding events into totals changes no figure: counters never fall."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from figures import HOUR, figures, fold, passed
from ledger_jobs import order, run_job
from sqlmodel import func, select
from world import World

from domain.delivery.target import StatusState
from domain.operations.metrics import Snapshot
from fake_github.faults import Kind
from storage import counters
from storage.models import ReportEvent
from storage.operations import event_counts


async def mark(world: World) -> float:
    """The last event counted in the totals."""
    with world.ledger.transaction() as tx:
        return counters.read(tx)[event_counts.EVENTS]


def never_falls(before: Snapshot, after: Snapshot) -> bool:
    """Whether each counter of *before* is there *after*, and not less."""
    then, now = figures_of(before), figures_of(after)
    return then.keys() <= now.keys() and all(now[key] >= then[key] for key in then)


def figures_of(shown: Snapshot) -> dict[tuple[str, object], float]:
    """All that only grows."""
    groups: dict[str, Any] = {
        "deliveries": shown.deliveries, "tries": shown.tries, "passes": shown.passes, "jobs": shown.jobs,
        "latency": shown.latency.counts,
        "all": {"duplicates": shown.duplicates, "seconds": shown.latency.seconds},
    }  # fmt: skip
    return {(name, key): value for name, group in groups.items() for key, value in group.items()}


async def test_folding_changes_no_figure(world: World) -> None:
    for number in range(4):
        world.fault(Kind.CLOSE, where="after")
        await run_job(world.ledger, order(f"docs/{number}"))
        await world.deliver(f"docs/{number}")
        await passed(world, seconds=1)
    await world.reconcile()
    before = await figures(world)
    assert await mark(world) == 0
    world.clock.advance(1800)
    await run_job(world.ledger, order("docs/young"))
    await world.deliver("docs/young")
    young = await figures(world)
    world.clock.advance(1900)
    assert not await fold(world)
    assert await mark(world) > 0
    assert figures_of(await figures(world)) == figures_of(young)
    assert never_falls(before, young)
    for _ in range(2):
        await fold(world)
    assert figures_of(await figures(world)) == figures_of(young)


async def test_rows_younger_than_an_hour_are_not_folded(world: World) -> None:
    await run_job(world.ledger, order())
    world.clock.advance(3600)
    await world.deliver()
    await fold(world)
    assert await mark(world) == 3  # recorded twice, superseded once


async def test_a_fold_is_worth_its_while_once_what_is_not_counted_yet_is_two_hours_old(world: World) -> None:
    async def is_worth_it() -> bool:
        return await world.ledger.read(event_counts.is_worth_folding)

    assert not await is_worth_it()
    await run_job(world.ledger, order())
    world.clock.advance(7199)
    assert not await is_worth_it()
    world.clock.advance(1)
    assert await is_worth_it()
    await fold(world)
    assert not await is_worth_it()
    await passed(world, seconds=1)
    world.clock.advance(7200)
    assert await is_worth_it()


@pytest.mark.parametrize("prepared", ["an event", "a pass"])
async def test_rows_stamped_by_a_clock_ahead_keep_nothing_from_the_totals(world: World, prepared: str) -> None:
    now = world.clock.now
    world.clock.advance(40 * 86400)
    await (run_job(world.ledger, order("docs/ahead")) if prepared == "an event" else passed(world, seconds=1))
    world.clock.now = now
    await run_job(world.ledger, order("docs/a"))
    await world.deliver("docs/a")
    await passed(world, seconds=1)
    before = figures_of(await figures(world))
    world.clock.advance(3601)
    await passed(world, seconds=1)
    with world.ledger.transaction(only_reads=True) as tx:
        assert event_counts.is_worth_folding(tx)
    await fold(world)
    with world.ledger.transaction() as tx:
        found = counters.read(tx)
        last = tx.session.exec(select(func.max(ReportEvent.id))).one()
    assert found[event_counts.EVENTS] == last
    assert found[event_counts.PASSES] == (2 if prepared == "a pass" else 1)
    after = figures_of(await figures(world))
    assert {key for key in after if after[key] != before[key]} == {("passes", True)}


async def test_an_event_that_a_small_step_of_the_clock_puts_ahead_is_as_young_as_any(world: World) -> None:
    """On PostgreSQL one with a lower id may still be on its way."""
    await run_job(world.ledger, order())
    world.clock.advance(-3600)
    assert not await fold(world)
    assert await mark(world) == 0


async def test_a_large_ledger_is_folded_in_steps(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_counts, "CHUNK", 3)
    for number in range(3):
        await run_job(world.ledger, order(f"docs/{number}"))
        await world.deliver(f"docs/{number}")
    before = await figures(world)
    world.clock.advance(3601)
    steps = 0
    while await fold(world):
        steps += 1
        assert figures_of(await figures(world)) == figures_of(before)
    assert steps >= 4


async def test_the_sum_of_latencies_is_the_same_however_it_is_folded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_counts, "CHUNK", 5)
    took = [0.1, 1288.227, 0.7, 3.3, 77.123, 0.2, 12.345, 5000.001, 0.3, 1.1]
    for number, seconds in enumerate(took):
        await run_job(world.ledger, order(f"docs/{number}"))
        world.clock.advance(seconds)
        await world.deliver(f"docs/{number}")
    world.clock.advance(3601)
    shown = [(await figures(world)).latency.seconds]
    while await fold(world):
        shown.append((await figures(world)).latency.seconds)
    assert len(shown) > 5
    assert set(shown) == {sum(round(seconds * 1000) for seconds in took) / 1000}


async def test_racing_folds_count_everything_once(world: World) -> None:
    await run_job(world.ledger, order())
    await world.deliver()
    before = await figures(world)
    world.clock.advance(3601)
    await asyncio.gather(*(fold(world) for _ in range(5)))
    assert figures_of(await figures(world)) == figures_of(before)


async def test_no_counter_falls_while_others_append_and_fold(world: World) -> None:
    async def work(number: int) -> None:
        await run_job(world.ledger, order(f"docs/{number}"))
        await world.deliver(f"docs/{number}")

    for number in range(4):
        await work(number)
    world.clock.advance(3601)
    seen: list[Snapshot] = []

    async def look() -> None:
        seen.extend([await figures(world) for _ in range(12)])

    await asyncio.gather(look(), fold(world), *(work(number) for number in range(4, 10)), fold(world))
    seen.append(await figures(world))
    assert all(never_falls(one, other) for one, other in pairwise(seen))
    assert seen[-1].deliveries[StatusState.SUCCESS] == len(world.held("docs/0")) * 10


async def test_a_fold_that_does_not_commit_counts_nothing(world: World) -> None:
    await run_job(world.ledger, order())
    await world.deliver()
    world.clock.advance(3601)
    before = figures_of(await figures(world))
    with pytest.raises(ZeroDivisionError), world.ledger.transaction() as tx:  # noqa: PT012  # the block is the transaction
        event_counts.fold(tx, dead_after=HOUR)
        raise ZeroDivisionError
    assert figures_of(await figures(world)) == before
    assert await mark(world) == 0
