"""Finishes clean-up work even if its task is cancelled or a signal interrupts the process."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


async def run_uncancellable(ending: Callable[[], Coroutine[None, None, T]]) -> T:
    """Finish *ending* even if cancelled meanwhile, however often; raise the cancellation afterwards.

    When a signal handler raises, `asyncio.run` cancels all tasks, that of *ending* too, and runs until they are done;
    the handler's exception may also be raised within *ending*. It is then started again: it must be repeatable.
    """
    ended, stopped = await finished(ending)
    if stopped is not None:
        raise stopped
    return ended.result()


async def finished(
    ending: Callable[[], Coroutine[None, None, T]],
) -> tuple[asyncio.Task[T], BaseException | None]:
    """The finished task of *ending*, and the exception that `run_uncancellable` would raise."""
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


class _Noted(list[tuple[int, FrameType | None]]):
    """A signal handler that records the signals it gets."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.append((number, frame))


@contextmanager
def sigterm_ignored() -> Iterator[_Noted]:
    """Only record SIGTERM in the block: its handler would raise once more during the clean-up.

    No effect outside the main thread, or when nested.
    """
    noted, handler = _Noted(), signal.getsignal(signal.SIGTERM)
    # Only a Python handler may raise; SIG_DFL ends the process, and the supervised processes with it.
    is_to_change = callable(handler) and not isinstance(handler, _Noted)
    if is_to_change and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, noted)
        try:
            yield noted
        finally:
            signal.signal(signal.SIGTERM, handler)
    else:
        yield noted


@contextmanager
def sigterm_held_back() -> Iterator[None]:
    """Delay SIGTERM until after the block, which must not be interrupted; its handler is called then."""
    handler, noted = signal.getsignal(signal.SIGTERM), _Noted()
    try:
        with sigterm_ignored() as noted:
            yield
    finally:
        if noted and callable(handler):
            handler(*noted[0])
