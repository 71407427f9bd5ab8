"""Measures reconciliation runs with nothing to do, on ledgers of several sizes.

The runs alternate between the ledgers, so that they share the machine's moods. A run is what `reportback reconcile`
does: it ends lost jobs, delivers, verifies, and looks for what is overdue; without a process of its own.
"""

import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from benchmarks.large_ledger import KINDS, fill, fold, ledgers, say
from fake_github.process import running
from settings import Settings
from tasks.delivery.open_reporter import open_reporter
from tasks.delivery.reporter import Reporter
from tasks.reconcile import reconcile

SIZES = {"1k": 1_000, "100k": 100_000, "1m": 1_000_000}
ROUNDS = 20


async def measure(folder: Path) -> dict[str, float]:
    """The figures of both databases."""
    figures: dict[str, float] = {}
    for kind in KINDS:
        figures |= await _of(kind, folder / kind)
    worst = max(figures[f"idle_reconcile_1m_vs_1k_{kind}"] for kind in KINDS)
    return {**figures, "idle_reconcile_1m_vs_1k": worst}


async def _of(kind: str, folder: Path) -> dict[str, float]:
    async with AsyncExitStack() as stack:
        github = await stack.enter_async_context(running())
        reporters = {}
        for size, settled in SIZES.items():
            place = folder / size
            place.mkdir(parents=True)
            ledger = await stack.enter_async_context(ledgers(kind, place))
            await fill(ledger, settled, 0)
            while await fold(ledger):
                pass
            say(f"  {kind}: {settled} settled reports")
            url = ledger.engine.url.render_as_string(hide_password=False)
            settings = Settings(database_url=url, github_api_url=github.url, write_budget="off")
            reporters[size] = await stack.enter_async_context(open_reporter(settings, "benchmark"))
        idle = await _rounds(list(reporters.values()))
    return {
        **{f"idle_reconcile_ms_{size}_{kind}": took * 1000 for size, took in zip(SIZES, idle, strict=True)},
        f"idle_reconcile_1m_vs_1k_{kind}": idle[-1] / idle[0],
    }


async def _rounds(reporters: Sequence[Reporter]) -> list[float]:
    """Median of the seconds of a reconciliation run on each ledger, in turn."""
    rounds = [[await _seconds(reporter) for reporter in reporters] for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


async def _seconds(reporter: Reporter) -> float:
    began = time.perf_counter()
    await reconcile(reporter, uuid4(), budget=timedelta(seconds=50), senders=8)
    return time.perf_counter() - began
