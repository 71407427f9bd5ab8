"""Endings that are finished although their task is cancelled, or a signal interrupts the process."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


async def run_uncancellable(ending: Callable[[], Coroutine[None, None, T]]) -> T:
    """Finish *ending* even if cancelled meanwhile, however often, and pass the cancellation on afterwards.

    When a signal's handler raises, `asyncio.run` cancels all tasks, the one of *ending* too, and goes on until they are
    done; an exception of the handler may also be raised within *ending*. It is begun again then: it must be repeatable.
    """
    ended, stopped = await finished(ending)
    if stopped is not None:
        raise stopped
    return ended.result()


async def finished(
    ending: Callable[[], Coroutine[None, None, T]],
) -> tuple[asyncio.Task[T], BaseException | None]:
    """The task of *ending*, which is done and was not stopped; and what `run_uncancellable` would pass on."""
    stopped: BaseException | None = None
    while True:
        task = asyncio.create_task(ending())
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError as error:
                stopped = error
        if task.cancelled():
            stopped = stopped or asyncio.CancelledError()
        elif (failed := task.exception()) is None or isinstance(failed, Exception):
            return task, stopped
        else:
            stopped = failed


@contextmanager
def sigterm_ignored() -> Iterator[None]:
    """What ends already is not torn down by another SIGTERM, whose handler would raise once more."""
    with _sigterm_noted():
        yield


@contextmanager
def sigterm_held_back() -> Iterator[None]:
    """What has to be done as a whole is not interrupted by a SIGTERM: its handler is called afterwards."""
    handler = signal.getsignal(signal.SIGTERM)
    noted = _Noted()
    try:
        with _sigterm_noted() as noted:
            yield
    finally:
        if noted and callable(handler):
            handler(*noted[0])


class _Noted(list[tuple[int, FrameType | None]]):
    """The signals that came; a handler of signals itself."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.append((number, frame))


@contextmanager
def _sigterm_noted() -> Iterator[_Noted]:
    """SIGTERM is noted, and does nothing else. Without effect outside the main thread, and within itself."""
    noted = _Noted()
    handler = signal.getsignal(signal.SIGTERM)
    # Only a handler of Python's may raise; SIG_DFL ends the process, and what the supervisor holds ends with it.
    if (
        not callable(handler)
        or isinstance(handler, _Noted)
        or threading.current_thread() is not threading.main_thread()
    ):
        yield noted
        return
    signal.signal(signal.SIGTERM, noted)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGTERM, handler)
