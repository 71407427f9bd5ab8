"""Measures pruning of a large ledger, on both databases: `python -m benchmarks.prune`.

Fills a ledger and folds it; then measures a pass that finds nothing old enough, one that
finds only what may not go, and the transactions that forget. Minutes, and about 2 GB below --folder.
"""

from datetime import timedelta
from pathlib import Path

from sqlmodel import col, update

from benchmarks.large_ledger import RECENT, fill, fold_all, ledgers, on_both, publish, say
from storage.ledger import Ledger
from storage.models import Job
from storage.operations.retention import BATCH, PruneCursor, prune_jobs

NOTHING, ALL = timedelta(days=30), timedelta(days=1)
"""Retention periods for which nothing is old enough, or nearly everything."""


async def forget(ledger: Ledger, keep: timedelta, after: PruneCursor | None = None) -> tuple[int, PruneCursor | None]:
    """Prune in one transaction."""
    async with ledger.transaction() as session:
        return await prune_jobs(session, before=await ledger.clock(session) - keep, after=after)


async def set_apart(ledger: Ledger, first: int, count: int) -> PruneCursor:
    """Give *count* jobs distinct end times, unlike `fill`; returns the cursor before them."""
    these = (col(Job.number) >= first, col(Job.number) < first + count)
    async with ledger.transaction() as session:
        ended_at = await ledger.clock(session) - 2 * ALL
        await session.exec(update(Job).where(*these).values(ended_at=ended_at))
    return PruneCursor(ended_at - ALL / 2, 0)


async def walk(ledger: Ledger, place: PruneCursor | None) -> None:
    """Scan all old rows after *place*, none of which may be deleted."""
    while place is not None:
        count, place = await forget(ledger, ALL, place)
        assert count == 0


async def measure(kind: str, folder: Path, settled: int, undelivered: int) -> None:
    """Print the results for one database."""
    async with ledgers(kind, folder) as ledger:
        await fill(ledger, settled, undelivered)
        await fold_all(ledger)
        say(f"{kind}: {settled} settled, {undelivered} undelivered or rejected")
        await publish(ledger, "an empty transaction", ledger.now)
        await publish(ledger, "nothing is old enough", lambda: forget(ledger, NOTHING))
        await publish(ledger, f"{BATCH} jobs forgotten", lambda: forget(ledger, ALL))
        place = await set_apart(ledger, settled - RECENT + 1, undelivered)  # the settled ones were made first
        await publish(ledger, f"{undelivered} that may not go", lambda: walk(ledger, place))


if __name__ == "__main__":
    on_both(measure, __doc__)
