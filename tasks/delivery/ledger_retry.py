"""Waiting for a ledger that is away: for a minute before a job is accepted, and without limit for what it came to."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import TypeVar

from domain.delivery.notifications import Tell, nobody
from domain.text import Say
from settings import Settings
from storage.engine import LedgerIsAway
from tasks.delivery.deliver import Reporter
from tasks.delivery.reporter import open_reporter

T = TypeVar("T")

PATIENCE = timedelta(seconds=60)
EVERY = timedelta(seconds=2)
TOLD_EVERY = 128
"""Failures in a row, of which at least one is told: by a try every two seconds, some four minutes."""


def is_told(failures: int) -> bool:
    """Whether a log should have the last of so many failures in a row: the 1st, 2nd, 4th, 8th …, then every 128th."""
    return failures & (failures - 1) == 0 if failures < TOLD_EVERY else failures % TOLD_EVERY == 0


async def with_patience(ask: Callable[[], Awaitable[T]], *, on_trouble: Say) -> T:
    """What *ask* came to, which is asked again for up to a minute while the ledger is away.

    Raises:
        LedgerIsAway: it still is.
    """
    until = time.monotonic() + PATIENCE.total_seconds()

    def trouble(error: LedgerIsAway, failures: int) -> None:
        left = until - time.monotonic()
        if left <= 0:
            raise error
        if is_told(failures):
            on_trouble(f"waiting for the ledger, for up to {left:.0f} s more: {error}")

    return await _asked(ask, trouble)


async def without_limit(ask: Callable[[], Awaitable[T]], *, failed: str, on_trouble: Say) -> T:
    """What *ask* came to, which is asked again as long as the ledger is away. *failed* says in the log what was not."""

    def trouble(error: LedgerIsAway, failures: int) -> None:
        if is_told(failures):
            on_trouble(f"{failed}, and is tried again: {error}")

    return await _asked(ask, trouble)


async def _asked(ask: Callable[[], Awaitable[T]], trouble: Callable[[LedgerIsAway, int], None]) -> T:
    for failures in count(1):
        try:
            return await ask()
        except LedgerIsAway as error:
            trouble(error, failures)
        await asyncio.sleep(EVERY.total_seconds())
    raise AssertionError


@asynccontextmanager
async def open_without_limit(
    settings: Settings, actor: str, tell: Tell = nobody, *, on_trouble: Say
) -> AsyncIterator[Reporter]:
    """`open_reporter` for an accepted job, which waits for its ledger as long as that is away."""
    async with AsyncExitStack() as opened:
        yield await without_limit(
            lambda: opened.enter_async_context(open_reporter(settings, actor, tell)),
            failed="the ledger could not be opened",
            on_trouble=on_trouble,
        )


@asynccontextmanager
async def open_with_patience(
    settings: Settings, actor: str, tell: Tell = nobody, *, on_trouble: Say
) -> AsyncIterator[Reporter]:
    """`open_reporter`, with patience.

    Raises:
        LedgerIsAway: it still is.
    """
    async with AsyncExitStack() as opened:
        yield await with_patience(
            lambda: opened.enter_async_context(open_reporter(settings, actor, tell)), on_trouble=on_trouble
        )
