"""Reports: record each once, reopen rejected ones, derive their phase."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, bindparam, union_all
from sqlmodel import and_, case, col, func, or_, select, update

from domain.delivery.check_output import End
from domain.delivery.report import EventKind, NewReport, Phase, Rank, RecordedReport, marker, supersedes
from domain.delivery.surface import SurfaceKind
from domain.delivery.target import StatusState
from storage.delivery import credentials, events
from storage.delivery.check_runs import rows
from storage.dialect import insert
from storage.models import StatusReport, StatusTarget
from storage.transaction import Transaction, table_of

REPORTS, TARGETS = table_of(StatusReport), table_of(StatusTarget)
Moment: TypeAlias = datetime | BindParameter[datetime]

ONCE = "(job_id, execution, state) DO NOTHING RETURNING id"
RECORD = insert(
    StatusReport, "job_id", "execution", "state", "target_id", "turn", "rank", "edition", "marker", "description",
    "target_url", "read_back", "created_at", on_conflict=ONCE,
    not_before="(SELECT github_time FROM credential WHERE name = :credential)",
)  # fmt: skip
"""Returns nothing if the execution has a report of that state."""

REPORT = REPORTS.select().where(REPORTS.c.id == bindparam("report_id"))
TARGET = TARGETS.c.id == bindparam("target_id")
LOCK = TARGETS.select().where(TARGET).with_for_update(key_share=True)
MAKE_NEWEST = update(TARGETS).where(TARGET)


def phase(report: StatusReport, target: StatusTarget) -> Phase:
    """The phase of *report*; derived, so that two columns can never disagree. In SQL: `PHASE`."""
    if report.delivered_at is not None:
        return Phase.DELIVERED
    if report.id != target.newest_id:
        return Phase.SUPERSEDED
    if report.rejected_at is not None:
        return Phase.REJECTED
    return Phase.SENDING if target.sending_id == report.id else Phase.DUE


PHASE: ColumnElement[str] = case(
    (col(StatusReport.delivered_at).is_not(None), Phase.DELIVERED.value),
    (col(StatusTarget.newest_id).is_distinct_from(col(StatusReport.id)), Phase.SUPERSEDED.value),
    (col(StatusReport.rejected_at).is_not(None), Phase.REJECTED.value),
    (col(StatusTarget.sending_id) == col(StatusReport.id), Phase.SENDING.value),
    else_=Phase.DUE.value,
)
"""`phase` as SQL, over a report joined with its target."""

READS_BACK = select(REPORTS.c.read_back).where(REPORTS.c.id == TARGETS.c.newest_id).correlate(TARGETS).scalar_subquery()
"""Whether a target's current report was ever in doubt, so that reading back comes first."""


def is_claimable(now: Moment, *, due_by: Moment) -> ColumnElement[bool]:
    """Condition on a target: it may be claimed, but for pauses and the write budget.

    It is due by *due_by*, not leased, and in no doubt that reading back cannot end.
    """
    no_doubt = or_(TARGETS.c.doubt_until.is_(None), TARGETS.c.doubt_until <= now, READS_BACK)
    return and_(TARGETS.c.lease.is_(None), TARGETS.c.due_at <= due_by, no_doubt)


def locked_target(tx: Transaction, target_id: int) -> StatusTarget:
    """The target's row, read fresh and locked until the transaction ends."""
    return tx.one(StatusTarget, LOCK, target_id=target_id)


def row_of(tx: Transaction, report_id: int | None) -> StatusReport:
    """The report's row."""
    return tx.one(StatusReport, REPORT, report_id=report_id)


def recorded(tx: Transaction, job_id: UUID, execution: int, state: StatusState) -> RecordedReport | None:
    """The report of that state of that execution. None: there is none."""
    named = (StatusReport.job_id == job_id, StatusReport.execution == execution, StatusReport.state == state)
    row = tx.session.exec(select(StatusReport).where(*named)).one_or_none()
    return _recorded(row) if row else None


def of_id(tx: Transaction, report_id: int) -> RecordedReport:
    """The report with this id."""
    return _recorded(row_of(tx, report_id))


def _recorded(row: StatusReport) -> RecordedReport:
    return RecordedReport(row.id or 0, row.target_id, Rank(row.rank))


def record(
    tx: Transaction, new: NewReport, kind: SurfaceKind, *, credential: str, newest_id: int | None,
    end: End | None = None,
) -> RecordedReport:  # fmt: skip
    """Record what a surface of this *kind* should show, in the transaction of the state change that it reports.

    The credential's row exists, and the target's is locked: *newest_id* is its current report. Unless superseded by
    that, the new one becomes current and is due now. Recorded twice, the first description is kept. *end*: what an
    outcome shows beside it, on a surface that is updated.
    """
    words = kind.fit(new.description)
    inserted = tx.execute(RECORD, **_row(new, kind, words, tx.now), credential=credential).scalar_one_or_none()
    if inserted is not None:
        report = RecordedReport(inserted, new.target_id, new.rank)
        events.append(tx, report.id, EventKind.RECORDED)
        if kind.updates:
            rows.record(tx, new, report.id, end)
        _supersede(tx, new, report.id, newest_id, credential=credential)
        return report
    before = recorded(tx, new.job_id, new.execution, new.state)
    assert before is not None  # it was not inserted
    events.append(tx, before.id, EventKind.RECORDED, note=f"first words kept; these were: {words}")
    return before


def _row(new: NewReport, kind: SurfaceKind, description: str, now: datetime) -> dict[str, object]:
    mark = marker(new.job_id, new.execution, new.state, 1)
    return {
        "job_id": new.job_id, "execution": new.execution, "state": new.state, "target_id": new.target_id,
        "turn": new.turn, "rank": int(new.rank), "edition": 1, "marker": mark, "description": description,
        "target_url": kind.marked(new.url, mark), "read_back": False, "created_at": now,
    }  # fmt: skip


def _supersede(tx: Transaction, new: NewReport, report_id: int, newest_id: int | None, *, credential: str) -> None:
    """Make a report its target's current one, unless *newest_id* names one that supersedes it."""
    old = None if newest_id is None else tx.one_or_none(StatusReport, REPORT, report_id=newest_id)  # None: pruned
    if old is not None and not supersedes((new.turn, new.rank), (old.turn, old.rank)):
        events.append(tx, report_id, EventKind.SUPERSEDED)
        return
    if old is not None and old.delivered_at is None:
        events.append(tx, old.id or 0, EventKind.SUPERSEDED)
    _make_newest(tx, new.target_id, report_id, credential=credential)


def _make_newest(
    tx: Transaction, target_id: int | None, report_id: int | None, *, credential: str, bulk_at: datetime | None = None
) -> None:
    anew = {"due_at": tx.now, "bulk_at": bulk_at, "refused_since": None, "last_error": None}
    tx.execute(MAKE_NEWEST, target_id=target_id, newest_id=report_id, credential=credential, **anew)


DUE = select(StatusTarget.newest_id).where(col(StatusTarget.due_at).is_not(None))
"""Ids of the current reports that are due or being sent; read, as `REJECTED`, from a partial index."""

REJECTED = (
    select(StatusReport.id)
    .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
    .where(col(StatusReport.rejected_at).is_not(None), col(StatusTarget.newest_id) == col(StatusReport.id))
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which undelivered reports an operator selects: all given conditions must hold."""

    report_ids: tuple[int, ...] = ()
    job_id: UUID | None = None
    repository: str | None = None
    reason: str | None = None  # a domain.delivery.outcome.Reason: only reports rejected for it
    since: datetime | None = None  # recorded then or later
    until: datetime | None = None  # recorded then or earlier
    state: StatusState | None = None


def chosen_by(selection: Selection) -> list[ColumnElement[bool]]:
    """The conditions of *selection* on a report joined with its target."""
    asked: list[ColumnElement[bool]] = []
    if selection.report_ids:
        asked.append(col(StatusReport.id).in_(selection.report_ids))
    if selection.job_id is not None:
        asked.append(col(StatusReport.job_id) == selection.job_id)
    if selection.repository is not None:
        asked.append(func.lower(col(StatusTarget.repository)) == selection.repository.lower())
    if selection.reason is not None:
        asked.append(col(StatusReport.rejection) == selection.reason)
    if selection.since is not None:
        asked.append(col(StatusReport.created_at) >= selection.since)
    if selection.until is not None:
        asked.append(col(StatusReport.created_at) <= selection.until)
    if selection.state is not None:
        asked.append(col(StatusReport.state) == selection.state)
    return asked


def undelivered(tx: Transaction, selection: Selection) -> list[int]:
    """Ids of the selected reports that are current and not on GitHub, rejected or due, oldest first."""
    found = (
        select(StatusReport.id)
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .where(col(StatusReport.id).in_(union_all(DUE, REJECTED)), *chosen_by(selection))
        .order_by(col(StatusReport.id))
    )
    return [report_id for report_id in tx.session.exec(found) if report_id is not None]


def repository_of(tx: Transaction, report_id: int) -> str:
    """The repository of the report's target."""
    found = select(StatusTarget.repository).join(StatusReport, col(StatusReport.target_id) == col(StatusTarget.id))
    return tx.session.exec(found.where(StatusReport.id == report_id)).one()


def reopen(tx: Transaction, report_id: int, *, credential: str, in_bulk: bool = False) -> bool:
    """Have a rejected report retried; it keeps `read_back`. False: it was not rejected, or is superseded.

    A report that is due later becomes due now, with *credential*, too: the old one may be why it is not delivered.
    *in_bulk*: it is one of many, and the hour of the write budget applies; an unrejected report keeps its urgency.
    """
    target_id = tx.session.exec(select(StatusReport.target_id).where(StatusReport.id == report_id)).one_or_none()
    if target_id is None:
        return False
    credentials.ensure(tx, credential)
    target = locked_target(tx, target_id)
    if target.newest_id != report_id:
        return False
    if target.due_at is not None:
        bulk_at = target.bulk_at if in_bulk else None
        _make_newest(tx, target_id, report_id, credential=credential, bulk_at=bulk_at)
    rejected = and_(col(StatusReport.id) == report_id, col(StatusReport.rejected_at).is_not(None))
    cleared = tx.session.exec(update(StatusReport).where(rejected).values(rejected_at=None, rejection=None))
    if cleared.rowcount == 0:
        return False
    _make_newest(tx, target_id, report_id, credential=credential, bulk_at=tx.now if in_bulk else None)
    events.append(tx, report_id, EventKind.REOPENED)
    return True
