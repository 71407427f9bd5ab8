"""Measures reading the metrics of a large ledger, on both databases: `python -m benchmarks.metrics`.

Fills an empty ledger and folds it; then measures a snapshot, what a scrape makes of it, and the fold of a pass that
finds nothing to fold. Minutes, and about 2 GB below --folder.
"""

import time
from pathlib import Path

from prometheus_client import generate_latest

from benchmarks.large_ledger import fill, fold, fold_all, ledgers, on_both, publish, say
from storage.ledger import Ledger
from tasks.operations.metric_families import registry_of
from tasks.operations.push_metrics import read_metrics


async def scrape(ledger: Ledger) -> bytes:
    """The response to Prometheus."""
    return generate_latest(registry_of(await read_metrics(ledger)))


async def measure(kind: str, folder: Path, settled: int, undelivered: int) -> None:
    """Print the results for one database."""
    async with ledgers(kind, folder) as ledger:
        began = time.perf_counter()
        await fill(ledger, settled, undelivered)
        say(f"{kind}: {settled} settled, {undelivered} undelivered, filled in {time.perf_counter() - began:.0f} s")
        began = time.perf_counter()
        await scrape(ledger)
        say(f"  a scrape before anything is folded  {(time.perf_counter() - began) * 1000:8.0f} ms")
        began = time.perf_counter()
        steps = await fold_all(ledger)
        seconds = time.perf_counter() - began
        say(f"  folding all that is old             {seconds:8.1f} s, {steps} steps of {1000 * seconds / steps:.0f} ms")
        await publish(ledger, "a snapshot", lambda: read_metrics(ledger))
        await publish(ledger, "a scrape", lambda: scrape(ledger))
        await publish(ledger, "a fold with nothing to fold", lambda: fold(ledger))


if __name__ == "__main__":
    on_both(measure, __doc__)
