"""A clock that jumps by an hour or a year, ahead or back, at any effect of a delivery causes no second status.

On SQLite the host's wall clock jumps, below the ledger's own clock. On PostgreSQL the ledger's clock is the server's:
set back it allows no other request, set ahead none that a lease guards.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TypeAlias
from uuid import uuid4

import pytest
from full import FULL
from in_place import open_in_place
from ledger_jobs import order, run_job
from log_lines import nothing_logged
from timed_host import HOUR, POLICY, YEAR, TimedHost, WrongClock, a_pass
from ways import reply_lost, request_lost, stored_late, straight
from world import Clock, World, world_on

from fake_github.faults import Kind
from tasks.delivery.deliver_due import deliver_due
from tasks.delivery.open_reporter import EstimatedClock
from tasks.delivery.reporter import Reporter

JUMPS = (HOUR, -HOUR, YEAR, -YEAR)
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
Way: TypeAlias = Callable[[World, Reporter, str], Awaitable[object]]


async def throttled(world: World, sender: Reporter, context: str) -> None:
    world.fault(Kind.SECONDARY_LIMIT, seconds=30, context=context)
    await world.deliver(context, by=sender)


WAYS = (straight, reply_lost, request_lost, stored_late, throttled)
EACH_WAY = pytest.mark.parametrize("way", WAYS)
EVERY = 1 if FULL else 3
"""The distance of the effects at which a clock jumps, on each way from another one on."""
Jump: TypeAlias = Callable[[timedelta], object]


async def at_effects(
    world: World, way: Way, jump: Jump, jumps: Sequence[timedelta], *, every: int = EVERY
) -> list[str]:
    """Take *way* for one context after another; the clock jumps *every* effects later, and is put right after it.

    It jumps by each of *jumps* in turn. Another process begins a reconciliation run at that moment. The last context is
    one without a jump.
    """
    contexts: list[str] = []
    for number in count(WAYS.index(way) % every, every):
        contexts.append(f"docs/{number}")
        await run_job(world.ledger, order(contexts[-1]))
        effects = count()

        async def step(name: str, number: int = number, effects: "count[int]" = effects) -> None:
            if next(effects) == number:
                jump(jumps[number % len(jumps)])
                if name != "commit":  # the ledger is locked
                    await a_pass(world, lasts=0.5)

        await way(world, await world.sender(step), contexts[-1])
        world.github.script.clear()
        world.clock.advance(60)
        jump(timedelta(0))
        if next(effects) <= number:
            break
    return contexts


async def assert_one_status_each(world: World, contexts: list[str], *, every: int = EVERY) -> None:
    assert len(contexts) >= 8 // every
    assert {context: world.held(context) for context in contexts} == {context: ["success"] for context in contexts}


@ON_SQLITE
@EACH_WAY
@pytest.mark.parametrize("first", range(len(JUMPS) if FULL else 1))
async def test_a_wall_clock_that_jumps_makes_no_second_status(
    fresh_url: str, clock: Clock, way: Way, first: int
) -> None:
    host = TimedHost(clock)
    async with on_host(fresh_url, host) as world:

        def jump(by: timedelta) -> None:
            host.wrong_by = by

        contexts = await at_effects(world, way, jump, JUMPS[first:] + JUMPS[:first])
        await a_pass(world)
        await assert_one_status_each(world, contexts)


@asynccontextmanager
async def on_host(url: str, host: TimedHost) -> AsyncIterator[World]:
    """Make a world whose ledger and senders use the clock of *host*."""
    kept = EstimatedClock(host.of_ledger(), lambda: host.true.now - host.booted_at)
    async with open_in_place(url, host.of_ledger()) as opened:
        ledger = replace(opened, clock=kept)
        await ledger.now()
        async with world_on(ledger, host.true, policy=POLICY, now=kept.now) as world:
            yield world


@EACH_WAY
@pytest.mark.parametrize("jumps", [(-HOUR, -YEAR), (-YEAR, -HOUR)] if FULL else [(-HOUR, -YEAR)])
async def test_a_ledgers_clock_that_is_set_back_makes_no_second_status(
    world: World, wrong: WrongClock, way: Way, jumps: Sequence[timedelta]
) -> None:
    contexts = await at_effects(world, way, wrong.jump, jumps)
    await a_pass(world)
    await assert_one_status_each(world, contexts)


async def test_a_ledgers_clock_that_jumps_ahead_of_a_lease_makes_no_second_status(
    world: World, wrong: WrongClock
) -> None:
    contexts = await at_effects(world, straight, wrong.jump, (HOUR, YEAR), every=1)
    await a_pass(world)
    await assert_one_status_each(world, contexts, every=1)


async def test_a_reconciliation_run_ends_though_the_clock_is_set_back(world: World, wrong: WrongClock) -> None:
    """It would stay for an hour otherwise: its time is the ledger's."""
    await run_job(world.ledger, order())
    world.fault(Kind.CLOSE)

    async def back(name: str) -> None:
        if name == "POST":
            wrong.jump(-HOUR)

    sender = await world.sender(back)
    with nothing_logged():
        await deliver_due(sender, uuid4(), budget=timedelta(minutes=5), senders=1)
    assert world.posts() == 1
    await a_pass(world)
    assert world.held() == ["success"]
