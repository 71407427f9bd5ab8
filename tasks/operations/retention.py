"""Forget what is settled and old: a little in each pass of the reconciliation."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from domain.redact import of_error
from storage.engine import Ledger
from storage.operations.retention import is_after_a_gap, prune_jobs, prune_passes, read_cursor, save_cursor

BUDGET = timedelta(seconds=5)
"""How long a pass may prune. The next one goes on."""

PAUSE = timedelta(milliseconds=20)
"""Between two transactions: who waits for SQLite's lock looks for it only now and then."""


async def prune(ledger: Ledger, *, keep: timedelta, warn: Callable[[str], None]) -> int:
    """Forget what nothing has touched for *keep*; how many jobs. It fails nothing: *warn* is told, no more.

    The first pass after a gap forgets nothing: if the clock has jumped ahead, everything seems old.
    """
    until = time.monotonic() + BUDGET.total_seconds()
    try:
        before = await _before(ledger, keep)
        if before is None:
            return 0
        await _prune_passes(ledger, before, until)
        return await _prune_jobs(ledger, before, until)
    except Exception as error:  # noqa: BLE001  # what is old can wait; what is new must not
        warn(f"what is old could not be pruned: {of_error(error)}")
        return 0


async def _before(ledger: Ledger, keep: timedelta) -> datetime | None:
    """Since when what goes must have been left alone. None: nothing goes now."""
    async with ledger.reading() as session:
        now = await ledger.clock(session)
        return None if await is_after_a_gap(session, now=now) else now - keep


async def _prune_passes(ledger: Ledger, before: datetime, until: float) -> None:
    while True:
        async with ledger.transaction() as session:
            has_more = await prune_passes(session, before=before)
        if not has_more or time.monotonic() >= until:
            return
        await asyncio.sleep(PAUSE.total_seconds())


async def _prune_jobs(ledger: Ledger, before: datetime, until: float) -> int:
    async with ledger.reading() as session:
        place = last = await read_cursor(session)
    pruned = 0
    while True:
        async with ledger.transaction() as session:
            count, place = await prune_jobs(session, before=before, after=place)
        pruned += count
        if place is None or time.monotonic() >= until:
            break
        await asyncio.sleep(PAUSE.total_seconds())
    if place != last:
        async with ledger.transaction() as session:
            await save_cursor(session, place)
    return pruned
