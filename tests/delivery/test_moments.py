"""Senders that wait for the spacing of the write budget each get a slot of their own. In simulated time."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from ledger_jobs import accept, order, run_job
from simulated import in_simulated_time
from sqlmodel import update
from world import World

from domain.delivery.budget import BUDGET_WAIT, WriteBudget
from domain.delivery.policy import Policy
from storage.delivery.availability import Busy, Settled
from storage.models import Credential
from tasks.delivery.deliver import deliver

SECOND = timedelta(seconds=1)
BUDGET = WriteBudget(per_minute=80, per_hour=500, spacing=SECOND)
Simulated: TypeAlias = Callable[[Callable[[World], Awaitable[None]]], None]


@pytest.fixture
def simulated(sqlite_template: Path, tmp_path: Path) -> Simulated:
    """Run a test in a world with simulated time."""
    shutil.copy(sqlite_template, tmp_path / "ledger.db")
    return partial(in_simulated_time, f"sqlite:///{tmp_path}/ledger.db", Policy(budget=BUDGET))


async def begun(world: World, count: int) -> list[int]:
    for number in range(count):
        await accept(world.ledger, order(f"docs/{number}"))
    return [await world.target_id(f"docs/{number}") for number in range(count)]


def sent_after(world: World) -> list[timedelta]:
    """When each status was made, after the first."""
    held = world.github.store.held()
    return [status.created_at - held[0].created_at for status in held]


def test_nine_that_begin_in_one_second_take_a_moment_each_or_are_refused_at_once(simulated: Simulated) -> None:
    async def test(world: World) -> None:
        targets, began = await begun(world, 9), world.clock.now
        told_after = []

        async def send(target: int) -> object:
            result = await deliver(world.reporter, target, job_ends_now=True)
            told_after.append((type(result), world.clock.now - began))
            return result

        await asyncio.gather(*map(send, targets))
        assert sent_after(world) == [number * SECOND for number in range(3)]
        assert [after for kind, after in told_after if kind is Busy] == [timedelta(0)] * 6

    simulated(test)


def test_a_moment_is_kept_whatever_is_sent_meanwhile(simulated: Simulated) -> None:
    """Outcomes of jobs that end do not push back those that wait."""

    async def test(world: World) -> None:
        first, second, third = await begun(world, 3)
        await deliver(world.reporter, first)
        waiting = [asyncio.create_task(deliver(world.reporter, one)) for one in (second, third)]
        await asyncio.sleep(0.9)
        await run_job(world.ledger, order("docs/ends"))
        await deliver(world.reporter, await world.target_id("docs/ends"), job_ends_now=True)
        assert [type(await one) for one in waiting] == [Settled] * 2
        assert sent_after(world) == [0 * SECOND, 0.9 * SECOND, SECOND, 2 * SECOND]

    simulated(test)


def test_a_moment_whose_sender_died_costs_no_more_than_itself(simulated: Simulated) -> None:
    async def test(world: World) -> None:
        first, second, third, fourth = await begun(world, 4)
        await deliver(world.reporter, first)
        dying = [asyncio.create_task(deliver(world.reporter, one)) for one in (second, third)]
        await asyncio.sleep(0.5)
        for one in dying:
            one.cancel()
        await asyncio.sleep(0.6)
        assert isinstance(await deliver(world.reporter, fourth), Settled)
        assert sent_after(world) == [0 * SECOND, 3 * SECOND]

    simulated(test)


def test_a_sender_too_late_for_its_moment_takes_another_one(simulated: Simulated) -> None:
    async def test(world: World) -> None:
        first, second, third = await begun(world, 3)

        async def oversleep(seconds: float) -> None:
            await asyncio.sleep(seconds + 1.5)

        slow = replace(world.reporter, sleep=oversleep)
        await deliver(world.reporter, first)
        late = asyncio.create_task(deliver(slow, second))
        await asyncio.sleep(2.4)
        await deliver(world.reporter, third)
        assert isinstance(await late, Settled)
        assert sent_after(world) == [0 * SECOND, 2.4 * SECOND, 4.9 * SECOND]

    simulated(test)


@pytest.mark.parametrize("ahead", [timedelta(seconds=4), timedelta(days=365)])
def test_a_moment_further_ahead_than_the_limit_delays_no_sender(simulated: Simulated, ahead: timedelta) -> None:
    """The ledger's clock was wrong when it was reserved."""

    async def test(world: World) -> None:
        [target] = await begun(world, 1)
        with world.ledger.transaction() as tx:
            tx.session.exec(update(Credential).values(reserved_at=world.clock.now + BUDGET_WAIT + ahead))
        assert isinstance(await deliver(world.reporter, target), Settled)

    simulated(test)


def test_pending_reserves_no_moment_while_an_outcome_waits(simulated: Simulated) -> None:
    async def test(world: World) -> None:
        first, second = await begun(world, 2)
        await deliver(world.reporter, first)
        await run_job(world.ledger, order("docs/waits"))
        assert isinstance(await deliver(world.reporter, second), Busy)
        assert isinstance(await world.deliver("docs/waits"), Settled)
        assert sent_after(world) == [0 * SECOND, SECOND]

    simulated(test)
