"""Cancels a task at any of its awaits, or all tasks at once; lets a loop's time pass."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Generator
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeVar

import pytest

T = TypeVar("T")

IN_THREADS = pytest.mark.parametrize("in_place", [False])
"""Run the transactions of SQLite in threads, as in production."""


async def cancelled_at(work: Awaitable[object], number: int) -> asyncio.Task[None]:
    """Await *work* in a task and cancel it at its *number*-th wait, counted from 0; return the ended task.

    It is not cancelled if it waits less often. Its exception lives as long as the task.
    """

    async def run() -> None:
        await _CancelledAt(work, number)

    task = asyncio.create_task(run())
    await asyncio.wait([task])
    return task


async def staying_in(
    place: AbstractAsyncContextManager[T], do: Callable[[T], object] = lambda _: None
) -> asyncio.Task[None]:
    """Start a task that enters *place*, calls *do* with its value, and stays until it is cancelled."""
    has_done = asyncio.Event()

    async def stay() -> None:
        async with place as given:
            do(given)
            has_done.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await has_done.wait()
    return task


STOPS = pytest.mark.parametrize("how", ["a cancel", "a signal"])


def stop(running: asyncio.Task[T], how: str, others: Collection[asyncio.Task[object]]) -> None:
    """Stop *running* as *how* of `STOPS` says; *others* are the tasks that a signal leaves alone."""
    if how == "a cancel":
        running.cancel()
    else:
        cancel_all(others)


def cancel_all(but: Collection[asyncio.Task[object]]) -> None:
    """Cancel every task of the loop except *but*, as `asyncio.run` does when a signal's handler raises."""
    for task in asyncio.all_tasks() - set(but):
        task.cancel()


def skip(seconds: float) -> None:
    """Advance the running loop's clock, so that shorter timers fire now. `time.monotonic` is unchanged."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]  # for this loop alone, which ends with its test


class _CancelledAt:
    """Awaits *work* as `await` does, and has the current task cancelled while it waits."""

    def __init__(self, work: Awaitable[object], number: int) -> None:
        self._work = work
        self._number = number
        self._waited = 0

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
            if self._waited == self._number:
                asyncio.get_running_loop().call_soon(task.cancel)
            self._waited += 1
            try:
                yield awaited
                go_on = partial(next, waiting)
            except asyncio.CancelledError as cancelled:
                go_on = partial(waiting.throw, cancelled)
