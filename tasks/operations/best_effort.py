"""Does what no job and no report waits for: its errors are logged in one line, and have no other effect."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from domain.redact import of_error

logger = logging.getLogger("reportback.operations")


async def best_effort(work: Awaitable[None], otherwise: str = "Prefect's server could not be asked or updated") -> None:
    """Do *work*. An error is logged after *otherwise*."""
    try:
        await work
    except Exception as error:  # noqa: BLE001  # whatever is wrong with Prefect, jobs and reports go on
        logger.warning("%s: %s", otherwise, of_error(error))


@asynccontextmanager
async def updating(
    update: Callable[[], Awaitable[None]],
    wanted: asyncio.Event,
    otherwise: str,
    *,
    longest: timedelta,
    every: timedelta = timedelta(0),
) -> AsyncIterator[None]:
    """Call *update* beside the block whenever *wanted* is set, at most once in *every*, and again after the block.

    Never delays the block, but its end for up to *longest*. Errors are logged after *otherwise*.
    """
    over = asyncio.Event()
    updates = asyncio.create_task(_update(lambda: best_effort(update(), otherwise), wanted, over, every))
    try:
        yield
    finally:
        over.set()
        wanted.set()
        is_in_time = await ends_within(longest, updates)
        if is_in_time and updates.cancelled():  # by a signal that ended all tasks
            is_in_time = await ends_within(longest, asyncio.create_task(best_effort(update(), otherwise)))
        if not is_in_time:
            logger.warning("%s: it takes too long", otherwise)


async def _update(
    update: Callable[[], Coroutine[None, None, None]], wanted: asyncio.Event, over: asyncio.Event, every: timedelta
) -> None:
    is_last = False
    while not is_last:
        await wanted.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), every.total_seconds())
        wanted.clear()
        is_last = over.is_set()
        await update()


async def ends_within(longest: timedelta, task: asyncio.Task[None]) -> bool:
    """Wait for *task*. False: it took too long, and is cancelled."""
    _, late = await asyncio.wait({task}, timeout=longest.total_seconds())
    task.cancel()
    await asyncio.wait({task})
    return not late
