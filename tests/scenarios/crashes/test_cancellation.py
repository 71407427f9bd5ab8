"""A cancelled attempt settles nothing: its lease expires, and the next sender reads back."""

from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from cancelling import IN_THREADS, cancelled_at
from full import SQLITE_OR_ALL
from ledger_jobs import order, run_job
from world import World

from fake_github.faults import Kind
from tasks.delivery.deliver import GROWS_FOR


async def first_try(world: World, context: str) -> Callable[[], Awaitable[object]]:
    await run_job(world.ledger, order(context))
    return lambda: world.deliver(context)


async def second_try(world: World, context: str) -> Callable[[], Awaitable[object]]:
    await run_job(world.ledger, order(context))
    world.fault(Kind.CLOSE, context=context)
    await world.deliver(context)
    world.clock.advance(20)
    return lambda: world.deliver(context)


@IN_THREADS
@pytest.mark.parametrize("database", SQLITE_OR_ALL)
@pytest.mark.parametrize(("prepare", "waits"), [(first_try, 4), (second_try, 6)])
async def test_a_cancelled_try_is_finished_by_another_wherever_it_stood(
    world: World, prepare: Callable[[World, str], Awaitable[Callable[[], Awaitable[object]]]], waits: int
) -> None:
    cancelled = []
    for number in count():
        context = f"docs/{number}"
        task = await cancelled_at((await prepare(world, context))(), number)
        if not task.cancelled():
            break
        cancelled.append(context)
    assert len(cancelled) >= waits  # its transactions, each of which a cancel lets end, and its requests
    world.clock.advance(30)
    await world.reconcile()
    world.clock.advance(GROWS_FOR.total_seconds())  # over 100 statuses of one commit: its list of two pages grows
    await world.reconcile()
    assert {context: world.held(context) for context in cancelled} == {context: ["success"] for context in cancelled}
