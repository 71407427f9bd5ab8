"""What the operator's page costs a pass on a large ledger: `python -m benchmarks.operators_page`, on both databases.

The ledger is that of benchmarks/metrics.py, with two days of passes.
"""

import argparse
import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import insert

from benchmarks.metrics import DIALECT, fill, fold, fold_all, ledgers, say, statements_of, took
from domain.operators_page import Links, page
from storage.engine import Ledger
from storage.models import Reconciliation
from tasks.operators_page import read_overview

LINKS = Links(run=lambda job: f"http://127.0.0.1:4200/{job}", commit=lambda target: f"https://github.com/{target.sha}")
PASSES = 2 * 24 * 60


async def add_passes(ledger: Ledger) -> None:
    """One a minute, each ended."""
    now = datetime.now(UTC)
    moments = (now - timedelta(minutes=age) for age in range(PASSES, 0, -1))
    rows = [{"started_at": at, "ended_at": at, "delivered": 1, "undelivered": 9000} for at in moments]
    async with ledger.engine.begin() as connection:
        await connection.execute(insert(Reconciliation), rows)


async def write(ledger: Ledger) -> str:
    """The page as Prefect gets it."""
    return page(await read_overview(ledger), LINKS)


async def measure(kind: str, folder: Path, settled: int, undelivered: int) -> None:
    """Print the figures of one database."""
    async with ledgers(kind, folder) as ledger:
        began = time.perf_counter()
        await fill(ledger, settled, undelivered)
        await add_passes(ledger)
        await fold_all(ledger)
        say(f"{kind}: {settled} settled, {undelivered} undelivered, ready in {time.perf_counter() - began:.0f} s")
        await tell(ledger, "what the page shows", partial(read_overview, ledger))
        await tell(ledger, "the page", partial(write, ledger))
        await tell(ledger, "a fold with nothing to fold", partial(fold, ledger))


async def tell(ledger: Ledger, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Print what *work* costs."""
    median, most = await took(work)
    count = await statements_of(ledger, work)
    say(f"  {name:34} {median:8.1f} ms, at most {most:.1f} ms, {count} statements")


def main() -> None:
    """Measure on both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settled", type=int, default=1_000_000)
    parser.add_argument("--undelivered", type=int, default=10_000)
    parser.add_argument("--only", choices=sorted(DIALECT))
    parser.add_argument("--folder", type=Path, help="on a disk with room; default: the one for temporary files")
    asked = parser.parse_args()
    for kind in [asked.only] if asked.only else sorted(DIALECT, reverse=True):
        folder = Path(mkdtemp(prefix="reportback-page-", dir=asked.folder))
        try:
            asyncio.run(measure(kind, folder, asked.settled, asked.undelivered))
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
