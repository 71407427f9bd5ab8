"""Overdue reports: each is announced by one reconciliation run, also after runs that died."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from ledger_jobs import order, run_job
from transactions import at
from world import World

from domain.delivery.notifications import Notification, Overdue
from fake_github.faults import Kind
from storage.delivery import overdue, reconciliation_runs, reports

AFTER = timedelta(minutes=15)


async def one_pass(world: World, *, dies: bool = False, limit: int = 10) -> Sequence[str]:
    """Make a reconciliation run now; return the contexts that it announces."""
    told: list[Notification] = []
    ledger = replace(world.ledger, publish=told.append)
    with ledger.transaction() as tx:
        began = world.clock.now
        number = reconciliation_runs.begin(at(tx, now=began), uuid4())
    world.clock.advance(10)
    if not dies:
        await ledger.write(overdue.publish, began=began, after=AFTER, limit=limit)
        await ledger.write(reconciliation_runs.end, number, began=began, delivered=0, undelivered=0)
    return [one.report.target.context for one in told if isinstance(one, Overdue)]


async def aged(world: World, *contexts: str, minutes: float) -> None:
    for context in contexts:
        await run_job(world.ledger, order(context))
    world.clock.advance(minutes * 60)


@pytest.mark.parametrize(("minutes", "told"), [(14.99, []), (15, ["docs/a"])])
async def test_a_report_is_announced_as_overdue_after_fifteen_minutes(
    world: World, minutes: float, told: list[str]
) -> None:
    await aged(world, "docs/a", minutes=minutes)
    assert await one_pass(world) == told


async def test_no_later_run_announces_it_again(world: World) -> None:
    await aged(world, "docs/a", minutes=16)
    assert await one_pass(world) == ["docs/a"]
    for _ in range(3):
        world.clock.advance(60)
        assert await one_pass(world) == []


async def test_the_next_run_announces_what_a_dead_run_did_not(world: World) -> None:
    await one_pass(world)
    await aged(world, "docs/a", minutes=15)
    assert await one_pass(world, dies=True) == []
    world.clock.advance(60)
    assert await one_pass(world) == ["docs/a"]


async def test_the_oldest_come_first_and_no_more_than_a_limit(world: World) -> None:
    await aged(world, "docs/c", "docs/b", "docs/a", minutes=20)
    assert await one_pass(world, limit=2) == ["docs/c", "docs/b"]


async def test_delivered_rejected_and_superseded_reports_are_not_overdue(world: World) -> None:
    await aged(world, "docs/delivered", "docs/refused", minutes=0)
    world.fault(Kind.ARCHIVED, context="docs/refused")
    for context in ("docs/delivered", "docs/refused"):
        await world.deliver(context)
    await aged(world, "docs/overtaken", minutes=14)
    await aged(world, "docs/overtaken", minutes=2)
    assert await one_pass(world) == []


async def test_an_old_report_that_is_reopened_is_not_overdue(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    await aged(world, "docs/a", minutes=0)
    await world.deliver("docs/a")
    await one_pass(world)
    world.clock.advance(3600)
    await one_pass(world)
    number = (await world.target("docs/a")).newest_id or 0
    with world.ledger.transaction() as tx:
        assert reports.reopen(at(tx, actor="ann"), number, credential="env:TOKEN")
    assert await one_pass(world) == []
