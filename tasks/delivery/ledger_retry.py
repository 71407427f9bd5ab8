"""Retries while the ledger is unavailable: for a minute before a job is accepted, without limit for its outcome."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from itertools import count
from typing import TypeVar

from domain.delivery.notifications import Publish, ignore
from settings import Settings
from storage.ledger import LedgerUnavailable
from tasks.delivery.open_reporter import open_reporter
from tasks.delivery.reporter import Reporter

logger = logging.getLogger("reportback.delivery")

T = TypeVar("T")

A_MINUTE = timedelta(minutes=1)
RETRY_EVERY = timedelta(seconds=2)
LOG_EVERY = 128
"""Of so many failures in a row at least one is logged: with a try every two seconds, every four minutes or so."""


def should_log(failures: int) -> bool:
    """Whether to log the last of so many failures in a row: the 1st, 2nd, 4th, 8th …, then every 128th."""
    return failures & (failures - 1) == 0 if failures < LOG_EVERY else failures % LOG_EVERY == 0


async def retry_while_unavailable(ask: Callable[[], Awaitable[T]], *, longest: timedelta | None, failed: str) -> T:
    """The result of *ask*, which is called again every two seconds while the ledger is unavailable.

    *failed* names, in the log, what did not succeed. *longest*: for how long; None: without limit.

    Raises:
        LedgerUnavailable: the ledger is still unavailable after *longest*.
    """
    until = math.inf if longest is None else time.monotonic() + longest.total_seconds()
    for failures in count(1):
        try:
            return await ask()
        except LedgerUnavailable as error:
            left = until - time.monotonic()
            if left <= 0:
                raise
            if should_log(failures):
                how_long = f"for up to {left:.0f} s more" if longest else "until it succeeds"
                logger.warning("%s, and is tried again %s: %s", failed, how_long, error)
        await asyncio.sleep(RETRY_EVERY.total_seconds())
    raise AssertionError


@asynccontextmanager
async def open_when_available(
    settings: Settings, actor: str, publish: Publish = ignore, *, longest: timedelta | None = None
) -> AsyncIterator[Reporter]:
    """`open_reporter`, once the ledger is available; *longest* and what it raises: see `retry_while_unavailable`."""
    async with AsyncExitStack() as opened:
        yield await retry_while_unavailable(
            lambda: opened.enter_async_context(open_reporter(settings, actor, publish)),
            longest=longest,
            failed="the ledger could not be opened",
        )
