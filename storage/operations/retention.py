"""Prunes old settled data: jobs with their reports and events, targets, reconciliation runs.

A job is deleted as a whole, a target with its last job. Current reports that are not on GitHub, rejected or due, are
kept with their jobs. Rows not yet in the totals of `event_counts` are kept: no counter falls.

Locked rows are skipped (SKIP LOCKED) and pruned later: pruning never blocks, and two processes prune different jobs.
Rows are locked in one order: job, target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from sqlalchemy import Delete, delete, literal, tuple_
from sqlmodel import SQLModel, and_, col, exists, func, not_, or_, select

from storage import counters
from storage.counters import Key
from storage.delivery.check_runs import rows
from storage.dialect import avoid_table_scans
from storage.models import Job, Reconciliation, ReportEvent, StatusReport, StatusTarget
from storage.operations import event_counts
from storage.transaction import Transaction

BATCH = 200
"""Jobs, or runs, per transaction: SQLite's other writers wait meanwhile."""

GAP = timedelta(days=1)
"""Between runs: after a longer gap it is not known whether time has passed or the clock has jumped."""

ENDED_AT: Key = ("pruned", "ended_at", "")
"""The stored cursor; times in microseconds since 1970."""

NUMBER: Key = ("pruned", "number", "")

START = datetime(1970, 1, 1, tzinfo=UTC)
UNIT = timedelta(microseconds=1)

COLUMNS = SQLModel.metadata.tables["job"].c


@dataclass(frozen=True, slots=True)
class PruneCursor:
    """Position in the ended jobs, in the order of their ends."""

    ended_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class _Last:
    """The highest ids of events and of reports that may be deleted.

    Later events are not in the totals yet. The very last event and report are always kept, because SQLite reuses the
    highest id once its row is gone: a new event would pass for one in the totals, a new report for one that a sender
    from long ago still holds.
    """

    event: int
    report: int


def prune_jobs(
    tx: Transaction, *, before: datetime, after: PruneCursor | None = None
) -> tuple[int, PruneCursor | None]:
    """Delete jobs unchanged since *before*; how many, and where to continue. None: there are no more.

    Deletes each job's reports and their events too, and its target with the last of the target's jobs.
    """
    avoid_table_scans(tx)
    old = _locked_jobs(tx, before, after)
    if not old:
        return 0, None
    targets = _locked_targets(tx, _targets_of(tx, old), before)
    found = [job.id for job in old if job.target_id is None or job.target_id in targets]
    gone = sorted(set(found) - _kept(tx, found, before, _last(tx)))
    if gone:
        _forget(tx, gone, targets)
    last = old[-1]
    assert last.ended_at is not None and last.number is not None  # by these it was found
    return len(gone), PruneCursor(last.ended_at, last.number) if len(old) == BATCH else None


def _locked_jobs(tx: Transaction, before: datetime, after: PruneCursor | None) -> Sequence[Job]:
    """The next jobs that ended by *before*, locked; locked ones are skipped."""
    old = select(Job).where(col(Job.ended_at) <= before).order_by(col(Job.ended_at), col(Job.number)).limit(BATCH)
    if after is not None:
        place = tuple_(literal(after.ended_at, COLUMNS.ended_at.type), literal(after.number))
        old = old.where(tuple_(col(Job.ended_at), col(Job.number)) > place)
    return tx.session.exec(old.with_for_update(skip_locked=True)).all()


def _targets_of(tx: Transaction, jobs: Sequence[Job]) -> set[int]:
    """The targets of the jobs, and of their reports: a job that never started may have started elsewhere since."""
    of_reports = select(StatusReport.target_id).where(col(StatusReport.job_id).in_([job.id for job in jobs]))
    return {*tx.session.exec(of_reports), *(job.target_id for job in jobs if job.target_id is not None)}


def _locked_targets(tx: Transaction, ids: set[int], before: datetime) -> set[int]:
    """Those of the targets that have nothing left to do, locked."""
    is_delivered = select(col(StatusReport.delivered_at).is_not(None)).where(StatusReport.id == StatusTarget.newest_id)
    at_rest = and_(
        col(StatusTarget.due_at).is_(None),
        col(StatusTarget.lease).is_(None),
        or_(col(StatusTarget.verify_at).is_(None), not_(is_delivered.scalar_subquery())),  # undelivered: not verified
        or_(col(StatusTarget.doubt_until).is_(None), col(StatusTarget.doubt_until) <= before),
    )
    found = select(StatusTarget.id).where(col(StatusTarget.id).in_(sorted(ids)), at_rest)
    return {one for one in tx.session.exec(found.with_for_update(skip_locked=True)) if one is not None}


def _last(tx: Transaction) -> _Last:
    event = tx.session.exec(select(func.max(ReportEvent.id))).one() or 0
    report = tx.session.exec(select(func.max(StatusReport.id))).one() or 0
    folded = counters.read(tx)[event_counts.EVENTS]
    return _Last(min(int(folded), event - 1), report - 1)


def _kept(tx: Transaction, job_ids: Sequence[UUID], before: datetime, last: _Last) -> set[UUID]:
    """Those of the jobs to keep: current but undelivered, current at a target with other jobs, or changed since."""
    touched = exists().where(
        col(ReportEvent.report_id) == col(StatusReport.id),
        or_(col(ReportEvent.at) > before, col(ReportEvent.id) > last.event),
    )
    has_others = exists().where(
        col(Job.target_id) == col(StatusReport.target_id), col(Job.id) != col(StatusReport.job_id)
    )
    is_current = col(StatusTarget.newest_id) == col(StatusReport.id)
    stays = or_(
        touched,
        col(StatusReport.id) > last.report,
        and_(is_current, or_(col(StatusReport.delivered_at).is_(None), has_others)),
    )
    found = (
        select(StatusReport.job_id)
        .join(StatusTarget, col(StatusTarget.id) == col(StatusReport.target_id))
        .where(col(StatusReport.job_id).in_(job_ids), stays)
    )
    return set(tx.session.exec(found))


def _forget(tx: Transaction, job_ids: Sequence[UUID], targets: set[int]) -> None:
    """Delete the jobs with their reports and events, and those of the *targets* that have no job or report left."""
    reports = select(StatusReport.id).where(col(StatusReport.job_id).in_(job_ids))
    has_jobs = exists().where(col(Job.target_id) == col(StatusTarget.id))
    has_reports = exists().where(col(StatusReport.target_id) == col(StatusTarget.id))
    rows.forget(tx, job_ids)
    for statement in (
        delete(ReportEvent).where(col(ReportEvent.report_id).in_(reports)),
        delete(StatusReport).where(col(StatusReport.job_id).in_(job_ids)),
        delete(Job).where(col(Job.id).in_(job_ids)),
        delete(StatusTarget).where(col(StatusTarget.id).in_(sorted(targets)), ~has_jobs, ~has_reports),
    ):
        tx.session.exec(_unread(statement))


def _unread(statement: Delete) -> Delete:
    """The statement without synchronizing the session's objects, which are not used afterwards."""
    return statement.execution_options(synchronize_session=False)


def is_after_a_gap(tx: Transaction) -> bool:
    """Whether there is more than `GAP` between the ends of the last two runs, or since the last one."""
    ended = col(Reconciliation.ended_at)
    last = select(ended).where(ended.is_not(None)).order_by(col(Reconciliation.id).desc()).limit(2)
    times = [tx.now, *tx.session.exec(last)]
    return any(later - earlier > GAP for later, earlier in pairwise(times))


def prune_runs(tx: Transaction, *, before: datetime) -> bool:
    """Delete runs that began before then and are in the totals. True: there may be more."""
    last = tx.session.exec(select(func.max(Reconciliation.id))).one() or 0
    folded = counters.read(tx)[event_counts.PASSES]
    old = and_(col(Reconciliation.started_at) <= before, col(Reconciliation.id) <= min(int(folded), last - 1))
    found = select(Reconciliation.id).where(old).order_by(col(Reconciliation.started_at)).limit(BATCH)
    ids = tx.session.exec(found.with_for_update(skip_locked=True)).all()
    tx.session.exec(_unread(delete(Reconciliation).where(col(Reconciliation.id).in_(ids))))
    return len(ids) == BATCH


def read_cursor(tx: Transaction) -> PruneCursor | None:
    """Where a run that ran out of time stopped. None: begin with the oldest.

    If each run began with the oldest, jobs that must be kept could fill its time, and none after them would be pruned.
    """
    found = counters.read(tx)
    return PruneCursor(START + found[ENDED_AT] * UNIT, found[NUMBER]) if found[NUMBER] else None


def save_cursor(tx: Transaction, cursor: PruneCursor | None) -> None:
    """Store where the next run continues. None: it begins with the oldest."""
    marks = {ENDED_AT: (cursor.ended_at - START) // UNIT, NUMBER: cursor.number} if cursor else {ENDED_AT: 0, NUMBER: 0}
    counters.put(tx, marks)
