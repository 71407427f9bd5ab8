"""A try that is cancelled settles nothing: its lease runs out, and the next sender finds out."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from itertools import count

import pytest
from world import World, order, run_job

from fake_github.faults import Kind


class CancelledAt:
    """Awaits *work*, and cancels the task that does so when it waits for the *number*-th time, counted from 0."""

    def __init__(self, work: Awaitable[object], number: int) -> None:
        self._work = work
        self._number = number
        self.waited = 0

    def __await__(self) -> Generator[object, None, None]:
        waiting = self._work.__await__()
        task = asyncio.current_task()
        assert task is not None
        go_on: Callable[[], object] = partial(next, waiting)
        while True:
            try:
                awaited = go_on()
            except StopIteration:
                return
            if self.waited == self._number:
                asyncio.get_running_loop().call_soon(task.cancel)
            self.waited += 1
            try:
                yield awaited
                go_on = partial(next, waiting)
            except asyncio.CancelledError as cancelled:
                go_on = partial(waiting.throw, cancelled)


async def _until(work: CancelledAt) -> None:
    await work


async def first_try(world: World, context: str) -> Callable[[], Awaitable[object]]:
    await run_job(world.ledger, order(context))
    return lambda: world.deliver(context)


async def second_try(world: World, context: str) -> Callable[[], Awaitable[object]]:
    await run_job(world.ledger, order(context))
    world.fault(Kind.CLOSE, context=context)
    await world.deliver(context)
    world.clock.advance(20)
    return lambda: world.deliver(context)


@pytest.mark.parametrize(("prepare", "every"), [(first_try, 1), (second_try, 3)])
async def test_a_cancelled_try_is_finished_by_another_wherever_it_stood(
    world: World, prepare: Callable[[World, str], Awaitable[Callable[[], Awaitable[object]]]], every: int
) -> None:
    cancelled = []
    for number in count(step=every):
        context = f"docs/{number}"
        work = CancelledAt((await prepare(world, context))(), number)
        task = asyncio.create_task(_until(work))
        await asyncio.wait([task])
        if not task.cancelled():
            assert work.waited <= number
            break
        cancelled.append(context)
    assert len(cancelled) > 10
    world.clock.advance(30)
    await world.reconcile()
    assert {context: world.held(context) for context in cancelled} == {context: ["success"] for context in cancelled}
