"""Prunes settled and old rows, for a few seconds in each reconciliation run."""

import asyncio
import logging
import time
from datetime import datetime, timedelta

from domain.redact import of_error
from storage.ledger import Ledger
from storage.operations.retention import is_after_a_gap, prune_jobs, prune_runs, read_cursor, save_cursor

logger = logging.getLogger("reportback.operations")

BUDGET = timedelta(seconds=5)
"""How long a run may prune. The next one continues."""

PAUSE = timedelta(milliseconds=20)
"""Between two transactions: a process that waits for SQLite's lock polls for it."""


async def prune(ledger: Ledger, *, keep: timedelta) -> int:
    """Delete what has not changed for *keep*; returns how many jobs. Raises nothing: errors are logged.

    The first run after a gap deletes nothing: if the clock has jumped ahead, everything seems old.
    """
    until = time.monotonic() + BUDGET.total_seconds()
    try:
        before = await _before(ledger, keep)
        if before is None:
            return 0
        await _prune_passes(ledger, before, until)
        return await _prune_jobs(ledger, before, until)
    except Exception as error:  # noqa: BLE001  # what is old can wait; what is new must not
        logger.warning("what is old could not be pruned: %s", of_error(error))
        return 0


async def _before(ledger: Ledger, keep: timedelta) -> datetime | None:
    """Rows not changed since then are deleted. None: nothing is deleted now."""
    return await ledger.read(lambda tx: None if is_after_a_gap(tx) else tx.now - keep)


async def _prune_passes(ledger: Ledger, before: datetime, until: float) -> None:
    while True:
        if not await ledger.write(prune_runs, before=before) or time.monotonic() >= until:
            return
        await asyncio.sleep(PAUSE.total_seconds())


async def _prune_jobs(ledger: Ledger, before: datetime, until: float) -> int:
    place = last = await ledger.read(read_cursor)
    pruned = 0
    while True:
        count, place = await ledger.write(prune_jobs, before=before, after=place)
        pruned += count
        if place is None or time.monotonic() >= until:
            break
        await asyncio.sleep(PAUSE.total_seconds())
    if place != last:
        await ledger.write(save_cursor, place)
    return pruned
