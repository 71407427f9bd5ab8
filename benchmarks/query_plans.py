"""Reads the plans of the queries of a pass, the metrics, the page and the CLI: `python -m benchmarks.query_plans`.

On a ledger of 1,000,000 settled and 10,000 undelivered reports, on both databases, it prints how long each takes, and
each plan that reads a whole table of reports, events, targets or jobs. Minutes, and about 2 GB below --folder.
"""

import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import Connection, Engine, event

from benchmarks.large_ledger import each_database, fill, fold, ledgers, say
from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from storage.delivery import due, future_times, overdue, pauses, reconciliation_runs, reports, verification
from storage.jobs import liveness
from storage.ledger import Ledger
from storage.operations import credential_usage, event_counts, job_history, listing, metrics, overview, retention
from storage.transaction import Transaction

Query: TypeAlias = Callable[[Transaction], object]

TIMES = 20
EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}
WHOLE_TABLE = re.compile(r"(?:SCAN|Seq Scan on) (?:status_report|report_event|status_target|job)\b(?! USING)[^\n]*")

ALL = reports.Selection()
QUERIES: dict[str, Query] = {
    "what is due": lambda tx: due.offers(tx, limit=100, write_budget=WriteBudget()),
    "when more is due": lambda tx: due.next_due(tx, write_budget=WriteBudget()),
    "how much is due": due.count_undelivered,
    "refused secrets": pauses.refusing,
    "what to verify": lambda tx: verification.due(tx, limit=20),
    "overdue reports": lambda tx: overdue.publish(tx, began=tx.now, after=timedelta(minutes=15), limit=100),
    "times ahead": lambda tx: future_times.cut(tx, policy=Policy()),
    "jobs at work": liveness.at_work,
    "last success": reconciliation_runs.last_success,
    "whether to fold": event_counts.is_worth_folding,
    "the metrics": metrics.snapshot,
    "the operator's page": overview.overview,
    "credentials": credential_usage.usages,
    "reports list": lambda tx: listing.listing(tx, ALL, limit=100),
    "reports list --undelivered": lambda tx: listing.listing(tx, ALL, [listing.Wanted.UNDELIVERED], limit=100),
    "reports list --rejected": lambda tx: listing.listing(tx, ALL, [listing.Wanted.REJECTED], limit=100),
    "reports show": lambda tx: job_history.of_report(tx, 1),
    "a job's page": lambda tx: job_history.of_job(tx, UUID(int=1)),
    "what to retry": lambda tx: reports.undelivered(tx, ALL),
    "what to forget": lambda tx: retention.prune_jobs(tx, before=tx.now - timedelta(days=30)),
}


@contextmanager
def explained(engine: Engine) -> Iterator[list[str]]:
    """The plans of all queries executed on *engine* meanwhile, each with the values that were bound to it."""
    plans: list[str] = []
    explain = EXPLAIN[engine.dialect.name]

    def note(connection: Connection, _: object, statement: str, parameters: Any, *__: object) -> None:  # noqa: ANN401  # the driver's
        if statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
            rows = connection.exec_driver_sql(explain + statement, parameters).all()
            plans.append("\n".join(str(row[-1]) for row in rows))

    event.listen(engine, "after_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(engine, "after_cursor_execute", note)


async def read_plans(ledger: Ledger) -> None:
    """Print for each query its time, and each table that it reads as a whole. What it changes is rolled back."""
    for name, query in QUERIES.items():
        times: list[float] = []
        with explained(ledger.engine) as plans:
            _undone(ledger, query)
        for _ in range(TIMES):
            began = time.perf_counter()
            _undone(ledger, query)
            times.append((time.perf_counter() - began) * 1000)
        whole = sorted({found for plan in plans for found in WHOLE_TABLE.findall(plan)})
        say(f"  {name:28} {statistics.median(times):8.1f} ms  {'; '.join(whole)}")


def _undone(ledger: Ledger, query: Query) -> None:
    with suppress(_Undo), ledger.transaction() as tx:
        query(tx)
        raise _Undo


class _Undo(Exception):
    """Rolls a transaction back."""


async def measure(kind: str, folder: Path, settled: int, undelivered: int) -> None:
    """Print the results for one database."""
    async with ledgers(kind, folder) as ledger:
        await fill(ledger, settled, undelivered)
        while await fold(ledger):
            pass
        say(f"{kind}: {settled} settled, {undelivered} undelivered or rejected")
        await read_plans(ledger)


if __name__ == "__main__":
    each_database(measure, __doc__)
