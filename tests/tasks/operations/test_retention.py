"""A reconciliation run prunes a little, within its time; an error there does not fail the run."""

from datetime import timedelta
from uuid import uuid4

import pytest
from exactly_once import verify_later
from ledger_jobs import order, run_job
from maintaining import run_maintenance
from sqlmodel import func, select
from world import World

from fake_github.faults import Kind
from storage.delivery import reconciliation_runs
from storage.models import Job
from storage.operations import retention as storage
from tasks.operations import retention as module
from tasks.operations.push_metrics import read_metrics
from tasks.operations.retention import prune

KEEP = timedelta(days=30)
LONG = KEEP.total_seconds() + 1


@pytest.fixture
def database() -> str:
    """The statements themselves are proved on both databases elsewhere."""
    return "sqlite"


async def old_jobs(world: World, count: int) -> None:
    """Jobs old enough to be pruned, and one of today."""
    for number in range(count):
        await run_job(world.ledger, order(f"docs/{number}"))
        await world.deliver(f"docs/{number}")
    world.clock.advance(LONG)
    await run_job(world.ledger, order("docs/today"))
    await world.deliver("docs/today")


async def left(world: World) -> int:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(func.count()).select_from(Job)).one()


async def test_a_run_folds_first_and_then_prunes(world: World) -> None:
    await old_jobs(world, 3)
    before = await read_metrics(world.ledger)
    assert await run_maintenance(world) == []
    assert await left(world) == 1
    assert await read_metrics(world.ledger) == before


async def test_rows_beyond_its_time_are_left_to_the_next_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BATCH", 2)
    await old_jobs(world, 5)
    assert await run_maintenance(world) == []
    assert await left(world) == 1
    monkeypatch.setattr(module, "BUDGET", timedelta(0))
    await old_jobs(world, 5)
    assert [await left(world) for _ in range(4) if not await run_maintenance(world)] == [5, 3, 1, 1]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_rows_that_must_stay_keep_no_run_from_later_ones(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BATCH", 2)
    monkeypatch.setattr(module, "BUDGET", timedelta(0))
    world.fault(Kind.ARCHIVED, times=3)
    await old_jobs(world, 7)
    seen = [await left(world) for _ in range(5) if not await run_maintenance(world)]
    assert seen == [8, 7, 5, 4, 4]  # three were refused
    await old_jobs(world, 1)
    await verify_later(world)  # the refused ones that were spoken over ask for it
    seen = [await left(world) for _ in range(3) if not await run_maintenance(world)]
    assert seen[-1] == 4  # from the oldest on again: today's job of then has gone, too


async def one_pass(world: World) -> int:
    """End a reconciliation run, which prunes; return the number of jobs left."""
    with world.ledger.transaction() as tx:
        number = reconciliation_runs.begin(tx, uuid4())
        reconciliation_runs.end(tx, number, began=tx.now, delivered=0, undelivered=0)
    assert await run_maintenance(world) == []
    return await left(world)


async def test_a_clock_ahead_during_one_run_prunes_nothing(world: World) -> None:
    assert await one_pass(world) == 0
    await old_jobs(world, 0)
    world.clock.advance(10_000)
    assert await one_pass(world) == 1
    now = world.clock.now
    world.clock.advance(10 * LONG)
    await run_job(world.ledger, order("docs/of-the-future"))
    assert await one_pass(world) == 2
    world.clock.now = now
    assert await one_pass(world) == 2


async def test_after_a_long_outage_the_second_run_prunes(world: World) -> None:
    assert await one_pass(world) == 0
    await old_jobs(world, 3)
    assert await one_pass(world) == 4
    world.clock.advance(60)
    assert await one_pass(world) == 1


async def test_a_ledger_that_cannot_be_pruned_is_a_line_and_no_harm(
    world: World, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("out of rows")

    monkeypatch.setattr(module, "prune_jobs", broken)
    assert await prune(world.ledger, keep=KEEP) == 0
    assert logged == ["what is old could not be pruned: ZeroDivisionError('out of rows')"]
