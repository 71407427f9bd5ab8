"""Measures the status page of a large ledger, on both databases: `python -m benchmarks.status_page`.

The ledger is that of benchmarks/large_ledger.py, with two days of passes.
"""

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import insert

from benchmarks.large_ledger import HOUR, fill, fold_all, ledgers, on_both, publish, say
from domain.operations.status_page import Links, page
from storage.ledger import Ledger
from storage.models import Reconciliation
from tasks.operations.push_metrics import emit_metrics
from tasks.operations.status_page import read_overview

LINKS = Links(run=lambda job: f"http://127.0.0.1:4200/{job}", commit=lambda target: f"https://github.com/{target.sha}")
PASSES = 2 * 24 * 60


async def add_passes(ledger: Ledger) -> None:
    """Insert a reconciliation run per minute, each ended."""
    now = datetime.now(UTC)
    moments = (now - timedelta(minutes=age) for age in range(PASSES, 0, -1))
    rows = [{"started_at": at, "ended_at": at, "delivered": 1, "undelivered": 9000} for at in moments]
    async with ledger.engine.begin() as connection:
        await connection.execute(insert(Reconciliation), rows)


async def write(ledger: Ledger) -> str:
    """The page as it is sent to Prefect."""
    return page(await read_overview(ledger), LINKS)


async def emit(ledger: Ledger) -> None:
    """Do a run's work for the metrics, without a Pushgateway."""
    await emit_metrics(ledger, None, interval=HOUR / 60)


async def measure(kind: str, folder: Path, settled: int, undelivered: int) -> None:
    """Print the results for one database."""
    async with ledgers(kind, folder) as ledger:
        began = time.perf_counter()
        await fill(ledger, settled, undelivered)
        await add_passes(ledger)
        await fold_all(ledger)
        say(f"{kind}: {settled} settled, {undelivered} undelivered, ready in {time.perf_counter() - began:.0f} s")
        await publish(ledger, "what the page shows", partial(read_overview, ledger))
        await publish(ledger, "the page", partial(write, ledger))
        await publish(ledger, "the figures, unless it is time to fold", partial(emit, ledger))


if __name__ == "__main__":
    on_both(measure, __doc__)
