"""A sender of a check run dies at each of its effects, and its successor too: one run, each line once."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeAlias

import pytest
from check_promise import assert_shown_once
from check_worlds import finish, start, world_of_check_runs
from full import DATABASES, FULL
from steps import AtEffect, Died
from world import Clock, World

from domain.delivery.policy import Policy
from fake_github.faults import Kind
from storage.ledger import Ledger
from tasks.delivery.reporter import Reporter

LONG_ENOUGH = 60
"""Seconds after which a lease and a doubt have ended."""

Life: TypeAlias = Callable[[World, Reporter, str], Awaitable[object]]

COMMITS = ("committed", "POST answered", "PATCH answered", "GET answered")
"""Dying before an effect is dying after the one before it."""


async def straight(world: World, sender: Reporter, context: str) -> None:
    await world.deliver(context, by=sender)


async def create_unanswered(world: World, sender: Reporter, context: str) -> None:
    await _doubted(world, sender, context, method="POST", where="after")


async def create_lost(world: World, sender: Reporter, context: str) -> None:
    await _doubted(world, sender, context, method="POST")


async def conclusion_unanswered(world: World, sender: Reporter, context: str) -> None:
    await _doubted(world, sender, context, method="PATCH", where="after")


async def conclusion_late(world: World, sender: Reporter, context: str) -> None:
    await _doubted(world, sender, context, method="PATCH", stored_after=9)


async def _doubted(world: World, sender: Reporter, context: str, **lost: object) -> None:
    world.fault(Kind.CLOSE, context=context, **lost)
    await world.deliver(context, by=sender)
    world.clock.advance(21)
    await world.deliver(context, by=sender)


async def prepare(world: World, context: str) -> None:
    """An ended job, and an older one whose run is open."""
    await start(world, context)
    await world.deliver(context)
    world.clock.advance(2)
    await finish(world, await start(world, context))


async def dies(world: World, life: Life, context: str, last: int) -> bool:
    """Let a sender die at its effect number *last*; False: it lived."""
    try:
        await life(world, await world.sender(AtEffect(last, counted=COMMITS)), context)
    except Died:
        return True
    finally:
        world.github.script.clear()
        world.clock.advance(LONG_ENOUGH)
    return False


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("life", [straight, create_unanswered, create_lost, conclusion_unanswered, conclusion_late])
async def test_a_crash_anywhere_leaves_each_line_once(ledger: Ledger, clock: Clock, life: Life) -> None:
    async with world_of_check_runs(ledger, clock, policy=Policy(budget=None)) as world:
        for last in count():
            context = f"docs/{last}"
            await prepare(world, context)
            has_died = await dies(world, life, context, last)
            await world.reconcile(passes=3, every=31)
            await assert_shown_once(world, context)
            if not has_died:
                break
        assert last >= 9


@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", DATABASES if FULL else ["sqlite"])
async def test_two_senders_that_die_anywhere_leave_each_line_once(ledger: Ledger, clock: Clock) -> None:
    async with world_of_check_runs(ledger, clock, policy=Policy(budget=None)) as world:
        for first in count():
            lived = False
            for second in count():
                context = f"docs/{first}-{second}"
                await prepare(world, context)
                lived = not await dies(world, straight, context, first)
                ended = not await dies(world, straight, context, second)
                await world.reconcile(passes=3, every=31)
                await assert_shown_once(world, context)
                if lived or ended:
                    break
            if lived:
                break
        assert first >= 9
