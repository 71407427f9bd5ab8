"""Steps of a sender: called before and after each effect, where a test counts, stops, or ends its process."""

from collections.abc import AsyncIterator, Awaitable, Callable, Container
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from inspect import isawaitable
from typing import TypeAlias

import httpx
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.ledger import Ledger

Step: TypeAlias = Callable[[str], Awaitable[None]]


async def go_on(_: str) -> None:
    """Default step: does nothing."""


@dataclass(frozen=True, slots=True)
class SteppedLedger(Ledger):
    """A ledger that calls `step` before and after each commit."""

    step: Step

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with self._stepped(Ledger.transaction(self)) as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        async with self._stepped(Ledger.reading(self)) as session:
            yield session

    @asynccontextmanager
    async def _stepped(self, opening: AbstractAsyncContextManager[AsyncSession]) -> AsyncIterator[AsyncSession]:
        async with opening as session:
            yield session
            await self.step("commit")
        await self.step("committed")


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
