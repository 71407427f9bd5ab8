"""Measures pruning of a large ledger, on both databases: `python -m benchmarks.prune`.

Fills a ledger and folds it; then measures a pass that finds nothing old enough, one that
finds only what may not go, and the transactions that forget. The last column compares each with an empty transaction
of the same run. Minutes, and about 2 GB below --folder.
"""

import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from sqlmodel import col, update

from benchmarks.large_ledger import RECENT, fill, fold_all, ledgers, on_both, say
from storage.ledger import Ledger
from storage.models import Job
from storage.operations.retention import BATCH, PruneCursor, prune_jobs

TIMES = 100
NOTHING, ALL = timedelta(days=30), timedelta(days=1)
"""Retention periods for which nothing is old enough, or nearly everything."""


async def milliseconds(work: Callable[[], Awaitable[object]]) -> float:
    """The time that *work* took."""
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


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


def show(what: str, times: list[float], empty: float) -> None:
    """Print median and maximum, and the median as a multiple of an empty transaction."""
    median = statistics.median(times)
    say(f"  {what:44} {median:8.1f} ms, at most {max(times):7.1f} ms, {median / empty:6.1f} empty transactions")


async def measure(kind: str, folder: Path, settled: int, undelivered: int) -> None:
    """Print the results for one database."""
    async with ledgers(kind, folder) as ledger:
        await fill(ledger, settled, undelivered)
        await fold_all(ledger)
        say(f"{kind}: {settled} settled, {undelivered} undelivered or rejected")
        empty = statistics.median([await milliseconds(ledger.now) for _ in range(TIMES)])
        say(f"  {'an empty transaction':44} {empty:8.1f} ms")
        show(
            "nothing is old enough", [await milliseconds(lambda: forget(ledger, NOTHING)) for _ in range(TIMES)], empty
        )
        show(f"{BATCH} jobs forgotten", [await milliseconds(lambda: forget(ledger, ALL)) for _ in range(TIMES)], empty)
        place = await set_apart(ledger, settled - RECENT + 1, undelivered)  # the settled ones were made first
        times = [await milliseconds(lambda: walk(ledger, place)) for _ in range(5)]
        show(f"{undelivered} that may not go", times, empty)


if __name__ == "__main__":
    on_both(measure, __doc__)
