"""Monotonic counters, computed from append-only rows since the ledger's first day.

Rows up to a mark are in the totals already; rows after it are counted by each query. `fold` moves the mark in the
transaction that adds to the totals: counters stay exact after any crash, never fall, and a query reads two hours of
rows at most. Rows after their mark are never pruned: storage/operations/retention.py.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast
from sqlmodel import SQLModel, and_, case, col, exists, func, or_, select

from domain.delivery.report import EventKind
from domain.operations.metrics import BUCKETS, ON_GITHUB, TRIED, TWICE
from storage import counters
from storage.counters import Key
from storage.dialect import avoid_table_scans, sql_seconds
from storage.models import MetricTotal, Reconciliation, ReportEvent, StatusReport
from storage.transaction import Transaction

OLD = timedelta(hours=1)
"""PostgreSQL commits ids out of order: no event will appear with an id below that of an event of this age.

An event further ahead of the clock than this was written by a wrong clock and counts as old: otherwise nothing would
be folded until its time, perhaps years away.
"""

CHUNK = 20_000
"""Ids folded in one transaction: SQLite's other writers wait meanwhile."""

EVENTS: Key = ("folded", "report_event", "")
PASSES: Key = ("folded", "reconciliation", "")
"""The marks: the highest id that is in the totals."""

ENDED: Key = ("passes", "ended", "")
FAILED: Key = ("passes", "failed", "")
MILLISECONDS: Key = ("latency", "milliseconds", "")
"""Integers: up to 2^53 their sum does not depend on the order of adding, so that a fold cannot lower it."""

BEGUN = 0.4995
"""Makes `round` count a begun millisecond, as times have microseconds. Not every SQLite has `ceil`."""


def read(tx: Transaction) -> Counter[Key]:
    """All counters.

    `ENDED`, `FAILED`, `MILLISECONDS`; ("events", kind, state of the report); ("latency", place in `BUCKETS`, ""), each
    bucket alone; ("jobs", type, state).
    """
    counted = counters.read(tx)
    counted.update(_events(tx, col(ReportEvent.id) > counted[EVENTS]))
    counted[ENDED] += _ended(tx, after=counted[PASSES])
    return counted


def is_worth_folding(tx: Transaction) -> bool:
    """Whether there are rows of twice the age at which they may be folded: a cheap check before `fold`."""
    event = select(ReportEvent.at).where(col(ReportEvent.id) > _folded(EVENTS)).order_by(col(ReportEvent.id)).limit(1)
    begun = (
        select(Reconciliation.started_at)
        .where(col(Reconciliation.id) > _folded(PASSES))
        .order_by(col(Reconciliation.id))
        .limit(1)
    )
    first = tx.session.exec(select(event.scalar_subquery(), begun.scalar_subquery())).one()
    return any(at is not None and not tx.now - 2 * OLD < at <= tx.now + OLD for at in first)


def _folded(key: Key) -> ColumnElement[int]:
    """A mark as an integer: PostgreSQL compares an id with a float by reading every row."""
    total = select(MetricTotal.total).filter_by(**dict(zip(counters.KEY, key, strict=True))).scalar_subquery()
    return cast(func.coalesce(total, 0), BigInteger)


def fold(tx: Transaction, *, dead_after: timedelta) -> bool:
    """Add the oldest rows that are not in the totals yet. True: there may be more that are old enough.

    A run that has not ended *dead_after* it began, at least an hour, has failed.
    """
    avoid_table_scans(tx)
    after = counters.locked(tx, EVENTS)
    upto = _old_enough(tx, after)
    runs_after = counters.locked(tx, PASSES)
    runs = _runs(tx, runs_after, tx.now - max(dead_after, OLD))
    among = and_(col(ReportEvent.id) > after, col(ReportEvent.id) <= upto)
    counters.add(tx, {**_events(tx, among), **runs, EVENTS: upto - after})
    return upto == after + CHUNK


def _events(tx: Transaction, among: ColumnElement[bool]) -> Counter[Key]:
    """What the events that match *among* add to the counters."""
    was_asked = or_(col(ReportEvent.kind) != EventKind.THROTTLED, col(ReportEvent.http_status).is_not(None))
    tried = and_(col(ReportEvent.kind).in_(TRIED), col(ReportEvent.attempt).is_not(None))  # none: a backup was restored
    is_counted = or_(and_(tried, was_asked), col(ReportEvent.kind).in_(TWICE))
    rows = (
        select(ReportEvent.kind, StatusReport.state, func.count())
        .join(StatusReport, col(StatusReport.id) == col(ReportEvent.report_id))
        .where(among, is_counted)
        .group_by(col(ReportEvent.kind), col(StatusReport.state))
    )
    found: Any = tx.session.exec(rows)
    counted = Counter({("events", kind.value, state.value): count for kind, state, count in found})
    for place, count, milliseconds in tx.session.exec(_latencies(tx, among)):
        counted["latency", str(place), ""] = count
        counted[MILLISECONDS] += int(milliseconds)
    return counted


def _latencies(tx: Transaction, among: ColumnElement[bool]) -> Any:  # noqa: ANN401  # a select of three columns
    """For each place in `BUCKETS`: how many outcomes were on GitHub for the first time, and their milliseconds."""
    earlier = SQLModel.metadata.tables["report_event"].alias("earlier")
    is_again = exists().where(
        earlier.c.report_id == ReportEvent.report_id, earlier.c.kind.in_(ON_GITHUB), earlier.c.id < ReportEvent.id
    )
    took = _milliseconds(tx, col(StatusReport.created_at), col(ReportEvent.at))
    first = (
        select(took.label("took"))
        .join(StatusReport, col(StatusReport.id) == col(ReportEvent.report_id))
        .where(among, col(ReportEvent.kind).in_(ON_GITHUB), col(StatusReport.rank) > 0, ~is_again)
        .subquery()
    )
    place = case(*((first.c.took <= le * 1000, place) for place, le in enumerate(BUCKETS[:-1])), else_=len(BUCKETS) - 1)
    placed = select(place.label("place"), first.c.took).subquery()
    return select(placed.c.place, func.count(), func.sum(placed.c.took)).group_by(placed.c.place)


def _milliseconds(tx: Transaction, since: Any, until: Any) -> ColumnElement[float]:  # noqa: ANN401  # columns
    """The whole milliseconds between two times; 0 if a clock was set back meanwhile: a sum must not fall."""
    begun = func.round(sql_seconds(tx, since, until) * 1000 + BEGUN)
    return case((begun > 0, begun), else_=0)


def _old_enough(tx: Transaction, after: int) -> int:
    """The highest id, at most `CHUNK` after *after*, up to which every event has the age `OLD`."""
    end = after + CHUNK
    last = tx.session.exec(select(func.max(ReportEvent.id))).one() or after
    near = (col(ReportEvent.id) > after, col(ReportEvent.id) <= end)
    is_young = (col(ReportEvent.at) > tx.now - OLD, col(ReportEvent.at) <= tx.now + OLD)
    young = select(ReportEvent.id).where(*near, *is_young).order_by(col(ReportEvent.id)).limit(1)
    first_young = tx.session.exec(young).one_or_none()
    return min(last, end) if first_young is None else first_young - 1


def _runs(tx: Transaction, after: int, horizon: datetime) -> dict[Key, int]:
    """What the runs that began by *horizon* add to the counters, and to their mark."""
    begun = select(func.max(Reconciliation.id)).where(col(Reconciliation.started_at) <= horizon)
    upto = max(tx.session.exec(begun).one() or 0, after)
    within = (col(Reconciliation.id) > after, col(Reconciliation.id) <= upto)
    count, ended = tx.session.exec(select(func.count(), func.count(col(Reconciliation.ended_at))).where(*within)).one()
    return {ENDED: ended, FAILED: count - ended, PASSES: upto - after}


def _ended(tx: Transaction, *, after: int) -> int:
    """Runs that ended and are not in the totals yet. One without an end counts as failed only once it is folded."""
    rows = select(func.count(col(Reconciliation.ended_at))).where(col(Reconciliation.id) > after)
    return tx.session.exec(rows).one()
