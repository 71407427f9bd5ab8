"""Runs blocking work in a daemon thread, and asks it to stop once its caller no longer waits."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from threading import Event, Thread
from typing import TypeAlias, TypeVar

STOP_TIMEOUT = timedelta(seconds=10)
"""How long the caller waits for work that was asked to stop: a disk may never answer."""

Stop: TypeAlias = Callable[[], bool]
T = TypeVar("T")


def never() -> bool:
    """The default `Stop`: the work need not stop."""
    return False


async def run_in_background(work: Callable[[Stop], T], *, longest: timedelta) -> T:
    """Run *work* in a thread. Its argument says whether it must stop: after *longest*, or if this call is cancelled.

    A cancellation does not wait for it. The thread is not one of asyncio's, whose end a process waits for; what is left
    when it dies with the process is removed by the next sweep.

    Raises:
        TimeoutError: the work has not stopped.
    """
    given_up, ends, done = Event(), time.monotonic() + longest.total_seconds(), Future[T]()
    done.set_running_or_notify_cancel()  # a caller that gives up waiting does not cancel it

    def run() -> None:
        try:
            done.set_result(work(lambda: given_up.is_set() or time.monotonic() >= ends))
        except BaseException as error:  # noqa: BLE001  # it is raised in the caller
            done.set_exception(error)

    Thread(target=run, daemon=True, name="background").start()
    try:
        async with asyncio.timeout((longest + STOP_TIMEOUT).total_seconds()):
            return await asyncio.wrap_future(done)
    finally:
        given_up.set()
