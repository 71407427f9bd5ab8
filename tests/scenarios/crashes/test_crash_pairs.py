"""A process dies, its successor dies too, a third goes on: every pair of crash points.

The crash points are those after each effect: dying before an effect is dying after the previous one. By default each
process makes one attempt to deliver an outcome, the second one a recovery. With REPORTBACK_TEST_FULL=1 also: a job's
whole life from its acceptance, each successor being a Retry of its flow run; crash points before effects; PostgreSQL.
"""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeAlias
from uuid import UUID

import pytest
from exactly_once import assert_exactly_once
from full import FULL, SQLITE_OR_ALL
from ledger_jobs import ME, begin, end, order, run_job
from steps import AtEffect, Died
from world import World

from domain.jobs.execution import Execution, Order
from storage.jobs import jobs
from tasks.delivery.reporter import Reporter

PLACES = None if FULL else ("committed", "POST answered", "GET answered")
LONG_ENOUGH = 60
"""Seconds after which a lease, a doubt and a heartbeat have expired."""

Life: TypeAlias = Callable[[World, Reporter, Order], Awaitable[None]]


def job(number: int) -> Order:
    return order(f"docs/{number}", flow_run_id=UUID(int=number + 1), sha=f"{number:040x}")


def context_of(asked: Order) -> str:
    assert asked.target is not None
    return asked.target.context


async def delivery(world: World, process: Reporter, asked: Order) -> None:
    """A try for a job that has ended."""
    await world.deliver(context_of(asked), by=process)


async def whole_life(world: World, process: Reporter, asked: Order) -> None:
    """A process that carries out a job, or does what is left of it."""
    taken = await process.ledger.write(jobs.accept, asked, by=ME)
    if isinstance(taken, Execution):
        await world.deliver(context_of(asked), by=process)
        await begin(process.ledger, taken)
        await end(process.ledger, taken)
    await world.deliver(context_of(asked), by=process)


async def dies(world: World, life: Life, asked: Order, last: int) -> bool:
    """Run a process that dies at place *last*, then let much time pass; return whether it got that far."""
    try:
        await life(world, await world.sender(AtEffect(last, counted=PLACES)), asked)
    except Died:
        return True
    finally:
        world.clock.advance(LONG_ENOUGH)
    return False


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("database", SQLITE_OR_ALL)
@pytest.mark.parametrize("life", [delivery, whole_life] if FULL else [delivery])
async def test_two_processes_that_die_anywhere_leave_one_status(world: World, life: Life) -> None:
    numbers = count()
    asked = []

    async def new_job() -> Order:
        asked.append(job(next(numbers)))
        if life is delivery:
            await run_job(world.ledger, asked[-1])
        return asked[-1]

    for first in count():
        for second in count():
            this = await new_job()
            if not await dies(world, life, this, first):
                break
            if not await dies(world, life, this, second):
                break
            await life(world, world.reporter, this)
        if second == 0:  # the first one lived
            break
    print(f"{len(asked)} pairs of crashes")  # noqa: T201  # shown with -s
    assert len(asked) > 20
    await assert_exactly_once(world)
    assert {world.held(context_of(this)).count("success") for this in asked} == {1}
