"""Work that blocks, in a thread that keeps no process from ending, and is told to stop once nobody waits for it."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from threading import Event, Thread
from typing import TypeAlias, TypeVar

PATIENCE = timedelta(seconds=10)
"""How long work that is to stop may take for it, before nobody waits any more: a disk may never answer."""

Stop: TypeAlias = Callable[[], bool]
T = TypeVar("T")


def never() -> bool:
    """Nobody says that work is to stop."""
    return False


async def aside(work: Callable[[Stop], T], *, longest: timedelta) -> T:
    """Do *work* beside the loop. What it is given says whether it is to stop: after *longest*, or if this is cancelled.

    A cancel is not held up by it. The thread is none of asyncio's own, for whose end a process waits: who dies with its
    process leaves what the next sweep takes.

    Raises:
        TimeoutError: it has not stopped.
    """
    given_up, ends, done = Event(), time.monotonic() + longest.total_seconds(), Future[T]()
    done.set_running_or_notify_cancel()  # whoever gives up waiting does not cancel it

    def run() -> None:
        try:
            done.set_result(work(lambda: given_up.is_set() or time.monotonic() >= ends))
        except BaseException as error:  # noqa: BLE001  # it is raised where it is waited for
            done.set_exception(error)

    Thread(target=run, daemon=True, name="aside").start()
    try:
        async with asyncio.timeout((longest + PATIENCE).total_seconds()):
            return await asyncio.wrap_future(done)
    finally:
        given_up.set()
