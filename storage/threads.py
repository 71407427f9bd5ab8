"""Runs the transactions of a ledger in threads, so that a database that makes them wait never stops the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from threading import Semaphore, Thread
from typing import Any, TypeVar

from sqlalchemy import Engine

from storage.unavailable import LedgerUnavailable

T = TypeVar("T")

READERS = 4
"""Threads that read a SQLite ledger beside its writer."""


class Pool:
    """Up to *most* daemon threads, started as they are needed.

    Those of `concurrent.futures` hold up the exit of the process until each has ended.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._started = 0
        self._idle = Semaphore(0)
        self._calls: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Have a thread run *call*, in order; the result is in the future.

        Raises:
            LedgerUnavailable: there is no thread, and none can be started.
        """
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._start()
        future: Future[T] = Future()
        self._calls.put((future, call))
        return future

    def _start(self) -> None:
        """Start another thread. Raises LedgerUnavailable if there is none and none can be started."""
        try:
            Thread(target=self._work, name="ledger", daemon=True).start()
        except RuntimeError as error:  # the system has no more
            if not self._started:
                raise LedgerUnavailable(error) from error
        else:
            self._started += 1

    def end(self) -> None:
        """Let the threads end once all calls are done."""
        for _ in range(self._started):
            self._calls.put(None)

    def _work(self) -> None:
        while (given := self._calls.get()) is not None:
            _run(*given)
            del given  # an exception holds the frames of its transaction
            self._idle.release()


def _run(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001  # is raised where the result is awaited
        future.set_exception(error)
    else:
        future.set_result(result)


class Threads:
    """The threads of a ledger: of SQLite one writes, so that writers of a process never wait for each other's lock."""

    def __init__(self, engine: Engine) -> None:
        if engine.dialect.name == "sqlite":
            self._writers, self._readers = Pool(1), Pool(READERS)
        else:
            self._writers = self._readers = Pool(engine.pool.size())  # type: ignore[attr-defined]  # a QueuePool

    def end(self) -> None:
        """Let the threads end once their transactions are done."""
        for pool in {self._writers, self._readers}:
            pool.end()

    async def run(self, call: Callable[[], T], *, only_reads: bool = False) -> T:
        """The result of *call*. A caller that is cancelled waits for the end of a call that has begun."""
        future = (self._readers if only_reads else self._writers).submit(call)
        result = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(result)
        except asyncio.CancelledError:
            if not future.cancel():
                await _until_done(result)
            raise


async def _until_done(result: asyncio.Future[Any]) -> None:
    """Wait for *result*, also when cancelled again; its error, if any, is dropped."""
    while not result.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([result])
    if not result.cancelled():
        result.exception()
