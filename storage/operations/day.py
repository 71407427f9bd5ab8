"""Figures of a day: outcomes by phase, their latency to GitHub, requests, and the backlog after each run."""

from datetime import datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Label, literal
from sqlalchemy.orm import Mapped
from sqlmodel import case, col, func, select

from domain.delivery.report import EventKind, Phase
from domain.operations.overview import SLOT, SLOTS, Day, Slot
from storage.delivery.reports import PHASE
from storage.dialect import sql_seconds
from storage.models import Credential, Reconciliation, ReportEvent, StatusReport, StatusTarget
from storage.transaction import Transaction

WHEN = col(StatusReport.created_at).type  # type: ignore[attr-defined]  # a column's, which SQLModel types as an attribute
Which: TypeAlias = tuple[ColumnElement[bool], ...]


def figures(tx: Transaction, since: datetime) -> Day:
    """The figures of the day that began at *since*."""
    outcomes = (col(StatusReport.created_at) >= since, col(StatusReport.rank) > 0)
    backlogs = _backlogs(tx, since)
    latencies, median = _latencies(tx, since, outcomes)
    return Day(
        since=since,
        outcomes=_phases(tx, outcomes),
        requests=_requests(tx, since),
        slots=tuple(Slot(backlogs.get(place), *latencies.get(place, (None, None))) for place in range(SLOTS)),
        median=median,
        worst=max((worst for _, worst in latencies.values()), default=None),
    )


def _phases(tx: Transaction, which: Which) -> dict[Phase, int]:
    rows: Any = (
        select(PHASE, func.count())
        .select_from(StatusReport)
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .where(*which)
        .group_by(PHASE)
    )
    return {Phase(phase): count for phase, count in tx.session.exec(rows)}


def _latencies(
    tx: Transaction, since: datetime, which: Which
) -> tuple[dict[int, tuple[timedelta, timedelta]], timedelta | None]:
    """The median and the worst latency of each slot, by its place; and the median of all.

    Repaired reports are left out: their rows no longer hold when they first were on GitHub.
    """
    made, arrived = col(StatusReport.created_at), col(StatusReport.delivered_at)
    found: Any = (
        select(_slot(tx, since, made), sql_seconds(tx, made, arrived).label("took"))
        .where(*which, arrived.is_not(None), col(StatusReport.edition) == 1)
        .subquery()
    )
    columns: Any = (
        found.c.slot, found.c.took,
        func.row_number().over(partition_by=found.c.slot, order_by=found.c.took).label("place"),
        func.count().over(partition_by=found.c.slot).label("every"),
        func.row_number().over(order_by=found.c.took).label("place_of_all"),
        func.count().over().label("every_of_all"),
    )  # fmt: skip
    ranked: Any = select(*columns).subquery()
    is_middle = ranked.c.place == (ranked.c.every + 1) // 2
    is_middle_of_all = ranked.c.place_of_all == (ranked.c.every_of_all + 1) // 2
    middle, middle_of_all = (func.max(case((one, ranked.c.took))) for one in (is_middle, is_middle_of_all))
    rows: Any = select(ranked.c.slot, middle, func.max(ranked.c.took), middle_of_all).group_by(ranked.c.slot)
    slots, median = {}, None
    for slot, half, worst, half_of_all in tx.session.exec(rows):
        slots[slot] = (timedelta(seconds=half), timedelta(seconds=worst))
        median = median if half_of_all is None else timedelta(seconds=half_of_all)
    return slots, median


def _backlogs(tx: Transaction, since: datetime) -> dict[int, int]:
    """The largest backlog that a run left, by the place of the slot in which it began."""
    began = col(Reconciliation.started_at)
    slot = _slot(tx, since, began)
    ended = (began >= since, col(Reconciliation.ended_at).is_not(None))
    rows: Any = select(slot, func.max(Reconciliation.undelivered)).where(*ended).group_by(slot)
    return dict(tx.session.exec(rows).all())


def _requests(tx: Transaction, since: datetime) -> int:
    """How many requests may have been sent since then; counted by credential, to use their index."""
    of_one = select(func.count()).where(
        col(ReportEvent.credential) == col(Credential.name),
        col(ReportEvent.kind) == EventKind.POSTED,
        col(ReportEvent.at) >= since,
    )
    rows: Any = select(func.coalesce(func.sum(of_one.correlate(Credential).scalar_subquery()), 0))
    return int(tx.session.exec(rows.select_from(Credential)).one())


def _slot(tx: Transaction, since: datetime, moment: Mapped[datetime]) -> Label[int]:
    """The place of the slot in which a time lies."""
    return func.floor(sql_seconds(tx, literal(since, WHEN), moment) / SLOT.total_seconds()).label("slot")
