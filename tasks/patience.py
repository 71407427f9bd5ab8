"""Waiting for a ledger that is away: for a minute, in sight, before a flow gives up."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TypeVar

from domain.news import Tell, nobody
from domain.text import Say
from settings import Settings
from storage.engine import LedgerIsAway
from tasks.deliver import Reporter
from tasks.reporter import open_reporter

T = TypeVar("T")

PATIENCE = timedelta(seconds=60)
EVERY = timedelta(seconds=2)


async def with_patience(ask: Callable[[], Awaitable[T]], *, on_trouble: Say) -> T:
    """What *ask* came to, which is asked again for up to a minute while the ledger is away.

    Raises:
        LedgerIsAway: it still is.
    """
    until = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            return await ask()
        except LedgerIsAway as error:
            left = until - time.monotonic()
            if left <= 0:
                raise
            on_trouble(f"waiting for the ledger, for up to {left:.0f} s more: {error}")
        await asyncio.sleep(EVERY.total_seconds())


@asynccontextmanager
async def open_with_patience(
    settings: Settings, actor: str, tell: Tell = nobody, *, on_trouble: Say
) -> AsyncIterator[Reporter]:
    """`open_reporter`, for who can wait for the ledger.

    Raises:
        LedgerIsAway: it still is.
    """
    async with AsyncExitStack() as opened:
        yield await with_patience(
            lambda: opened.enter_async_context(open_reporter(settings, actor, tell)), on_trouble=on_trouble
        )
