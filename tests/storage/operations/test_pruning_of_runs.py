"""Old reconciliation runs are pruned; a run out of time and a long gap between runs are known to the next."""

from dataclasses import replace
from datetime import timedelta

import pytest
from figures import figures, passed
from pruning import KEEP, LONG, pruned
from sqlalchemy import func
from sqlmodel import select
from transactions import at
from world import World

from storage.models import Reconciliation
from storage.operations import retention
from storage.operations.retention import PruneCursor, is_after_a_gap, prune_runs


async def test_a_run_out_of_time_stores_where_the_next_goes_on(world: World) -> None:
    """To the microsecond, as the walk itself has it."""
    place = PruneCursor(world.clock.now + timedelta(microseconds=1), 7)
    found = []
    for stopped in (None, place, replace(place, number=8), None):
        await world.ledger.write(retention.save_cursor, stopped)
        with world.ledger.transaction() as tx:
            found.append(retention.read_cursor(tx))
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
        await passed(world, seconds=0)
        await passed(world, seconds=None)
    with world.ledger.transaction() as tx:
        assert is_after_a_gap(tx) == is_one
        assert is_after_a_gap(at(tx, now=world.clock.now + timedelta(days=2))) == bool(ended)


async def prune_old_passes(world: World) -> bool:
    return await world.ledger.write(prune_runs, before=world.clock.now - KEEP)


async def count_passes(world: World) -> int:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(func.count()).select_from(Reconciliation)).one()


async def test_old_runs_are_pruned_and_stay_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    for seconds in (0, None, 0):
        await passed(world, seconds=seconds)
    world.clock.advance(LONG)
    await passed(world, seconds=0)
    assert not await prune_old_passes(world)
    assert await count_passes(world) == 4  # not in the totals yet
    await pruned(world)
    before = await figures(world)
    assert [await prune_old_passes(world) for _ in range(2)] == [True, False]
    assert await count_passes(world) == 1
    assert await figures(world) == before
    assert before.passes == {True: 3, False: 1}


async def test_the_last_run_stays(world: World) -> None:
    await passed(world, seconds=0)
    world.clock.advance(LONG)
    await pruned(world)
    await prune_old_passes(world)
    assert await count_passes(world) == 1
