"""Steps of a sender: called before and after each effect, where a test counts, stops, or ends its process."""

import asyncio
from collections.abc import Callable, Container, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, TypeAlias

import httpx
from sqlalchemy import Engine
from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import in_greenlet

from storage.ledger import Ledger
from storage.threads import Threads
from storage.transaction import Clock as LedgerClock
from storage.transaction import Transaction

Step: TypeAlias = Callable[[str], Coroutine[Any, Any, None]]


async def go_on(_: str) -> None:
    """Default step: does nothing."""


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def step_within(step: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
    """Wait for *step*, which runs on *loop*, within a transaction, whether that is in a thread or in place."""
    if in_greenlet():
        await_only(step)
    else:
        assert loop is not running_loop(), "a step waits for its own loop: use `await ledger.write(…)`"
        asyncio.run_coroutine_threadsafe(step, loop).result()


def parts(ledger: Ledger) -> tuple[Engine, LedgerClock, Threads]:
    """What another opening of *ledger* shares with it."""
    return ledger.engine, ledger.clock, ledger.threads


@dataclass(frozen=True, slots=True)
class SteppedLedger(Ledger):
    """A ledger that calls `step` before and after each commit."""

    step: Step
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop, kw_only=True)

    @contextmanager
    def transaction(self, *, only_reads: bool = False) -> Iterator[Transaction]:
        with Ledger.transaction(self, only_reads=only_reads) as tx:
            yield tx
            step_within(self.step("commit"), self.loop)
        step_within(self.step("committed"), self.loop)


class SteppedTransport(httpx.AsyncBaseTransport):
    """A transport that calls *step* before each request and after its reply or error."""

    def __init__(self, way: httpx.AsyncBaseTransport, step: Step) -> None:
        self._way = way
        self._step = step

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._step(request.method)
        try:
            return await self._way.handle_async_request(request)
        finally:
            await self._step(f"{request.method} answered")


class Died(BaseException):
    """The process ended here. `except Exception` does not catch it."""


def die(name: str) -> None:
    """End the process before the effect *name*."""
    raise Died(name)


class AtEffect:
    """A `Step` that calls *act* at the effect numbered *number*, counted from 0. Only effects in *counted* count.

    `names`: those counted so far.
    """

    def __init__(self, number: int, act: Callable[[str], object] = die, counted: Container[str] | None = None) -> None:
        self.names: list[str] = []
        self._number, self._act, self._counted = number, act, counted

    async def __call__(self, name: str) -> None:
        if self._counted is not None and name not in self._counted:
            return
        self.names.append(name)
        if len(self.names) - 1 == self._number and isawaitable(acting := self._act(name)):
            await acting
