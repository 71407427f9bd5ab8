"""Schedules and records verification: whether a request sent late left a second status, or an older one on top.

`verify_at` schedules it: a request was in doubt or refused, a lease expired, or a sender settled late. A target is
verified a minute after its newest report was delivered and again an hour after, only while that is delivered and there
is neither a lease nor a doubt. A verification that was not clear is repeated, at growing intervals, for a day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, exists, func, or_, select, update

from domain.delivery.outcome import Posted
from domain.delivery.report import EventKind, marker
from domain.delivery.surface import Ours, SurfaceKind
from domain.delivery.target import Target
from storage.delivery import events
from storage.delivery.check_runs import rows
from storage.delivery.pauses import FOR_A_REFUSED_SECRET
from storage.delivery.reports import locked_target
from storage.models import Credential, ReportEvent, StatusReport, StatusTarget
from storage.transaction import Transaction

FIRST_VERIFICATION = timedelta(minutes=1)
"""When to verify: after a late request was noticed, or the newest report was delivered."""

SECOND_VERIFICATION = timedelta(hours=1)

VERIFIES_FOR = timedelta(days=1)
"""How long after the delivery a verification that was not clear is repeated."""

VERIFIES_UNANSWERED_FOR = timedelta(days=7)
"""The same while GitHub does not answer: the token is missing or pauses, or the network is down."""

MOST_EDITIONS = 6
"""Editions of one report: if five repairs did not bring it on top, the list has another order than we assume."""


def next_verification(since: datetime, now: datetime) -> datetime | None:
    """When to verify after a clear verification *now*: an hour after `Snapshot.since`, or never if that is past."""
    second = since + SECOND_VERIFICATION
    return second if now < second else None


def verify_again_at(since: datetime, now: datetime, *, is_answered: bool = True) -> datetime | None:
    """When to repeat a verification *now* that was not clear: after half the time since `Snapshot.since`.

    At least a minute, at most an hour from now. None: that was a day ago; a week if not *is_answered*, when GitHub gave
    no answer, which says nothing about the commit.
    """
    age = now - since
    if age >= (VERIFIES_FOR if is_answered else VERIFIES_UNANSWERED_FOR):
        return None
    return now + min(max(age / 2, FIRST_VERIFICATION), SECOND_VERIFICATION)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What GitHub's list is compared with.

    `not_before`: GitHub's time before any report was recorded, if known. `is_check_run`: the newest report is shown as
    one. `since`: when that was delivered, or a sender of the target was late, whichever came last.
    """

    target_id: int
    target: Target
    credential: str
    ours: Ours
    edition: int
    since: datetime
    not_before: datetime | None
    asked_for: datetime | None
    is_check_run: bool


def schedule(tx: Transaction, target_id: int) -> None:
    """Schedule a verification: a request may have been sent late."""
    mine = col(StatusTarget.id) == target_id
    tx.session.exec(update(StatusTarget).where(mine).values(verify_at=tx.now + FIRST_VERIFICATION))


def due(tx: Transaction, *, limit: int) -> list[int]:
    """Ids of targets to verify now."""
    found = (
        select(StatusTarget.id)
        .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
        .join(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(
            col(StatusTarget.verify_at) <= tx.now,
            col(StatusReport.delivered_at).is_not(None),
            col(StatusTarget.lease).is_(None),
            or_(col(StatusTarget.doubt_until).is_(None), col(StatusTarget.doubt_until) <= tx.now),
            or_(col(Credential.paused_until).is_(None), col(Credential.paused_until) <= tx.now, FOR_A_REFUSED_SECRET),
        )
        .order_by(col(StatusTarget.verify_at))
        .limit(limit)
    )
    return [target_id for target_id in tx.session.exec(found) if target_id is not None]


def take_snapshot(tx: Transaction, target_id: int) -> Snapshot | None:
    """Snapshot of what GitHub should show for the target. None: its newest report is no longer delivered."""
    found = tx.session.exec(
        select(StatusTarget, StatusReport)
        .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
        .where(StatusTarget.id == target_id, col(StatusReport.delivered_at).is_not(None))
    )
    row = found.one_or_none()
    if row is None:
        return None
    target, newest = row
    reports = tx.session.exec(select(StatusReport).where(StatusReport.target_id == target_id)).all()
    times = [report.not_before for report in reports if report.not_before is not None]
    assert newest.delivered_at is not None and target.credential is not None
    return Snapshot(
        target_id=target_id,
        target=Target(target.repository, target.sha, target.context),
        credential=target.credential,
        ours=_ours(newest, reports),
        edition=newest.edition,
        since=max(newest.delivered_at, _late_at(tx, target_id) or newest.delivered_at),
        not_before=min(times) if len(times) == len(reports) else None,
        asked_for=target.verify_at,
        is_check_run=bool(target.has_check_runs) and rows.is_recorded(tx, newest.job_id, newest.execution),
    )


def _late_at(tx: Transaction, target_id: int) -> datetime | None:
    """When the target's last late sender settled: its request may have been stored just then."""
    its = select(StatusReport.id).where(StatusReport.target_id == target_id)
    late = (col(ReportEvent.report_id).in_(its), ReportEvent.kind == EventKind.LATE)
    return tx.session.exec(select(func.max(ReportEvent.at)).where(*late)).one()


def _ours(newest: StatusReport, reports: Sequence[StatusReport]) -> Ours:
    """Our reports, with the ids and markers of their statuses; *newest* is delivered."""
    stored = [(report, report.github_status_id) for report in reports if report.github_status_id is not None]
    return Ours(
        newest=newest.id or 0,
        own=newest.github_status_id or 0,
        by_status_id={status_id: report.id or 0 for report, status_id in stored},
        by_marker={mark: report.id or 0 for report in reports for mark in _marks(report)},
        stored_as={report.marker: status_id for report, status_id in stored},
    )


def _marks(report: StatusReport) -> set[str]:
    """The markers of all editions of *report*."""
    editions = range(1, report.edition)
    return {report.marker, *(marker(report.job_id, report.execution, report.state, number) for number in editions)}


def is_unchanged(tx: Transaction, seen: Snapshot) -> bool:
    """Lock the target; whether it still matches the snapshot."""
    locked_target(tx, seen.target_id)
    return tx.session.exec(select(_is_unchanged(seen))).one()


def _is_unchanged(seen: Snapshot) -> ColumnElement[bool]:
    """Condition: the same newest report, edition and status as in the snapshot, and no lease."""
    return exists().where(
        col(StatusTarget.id) == seen.target_id,
        col(StatusTarget.newest_id) == seen.ours.newest,
        col(StatusTarget.lease).is_(None),
        col(StatusReport.id) == col(StatusTarget.newest_id),
        col(StatusReport.edition) == seen.edition,
        col(StatusReport.github_status_id) == seen.ours.own,
    )


def mark_verified(tx: Transaction, seen: Snapshot, *, again_at: datetime | None) -> None:
    """Store that the target was verified; *again_at*: when to repeat, None: not. One scheduled meanwhile is kept."""
    is_same = col(StatusTarget.verify_at).is_not_distinct_from(seen.asked_for)
    mine = and_(col(StatusTarget.id) == seen.target_id, is_same)
    tx.session.exec(update(StatusTarget).where(mine).values(verify_at=again_at))


def note_doubled(tx: Transaction, seen: Snapshot, report_id: int) -> None:
    """Note once that GitHub lists a marker of the report under two ids. The target is locked."""
    _note_once(tx, seen, report_id, EventKind.DOUBLED, "sent late")


def note_overridden(tx: Transaction, seen: Snapshot, by: Posted) -> None:
    """Note once for each such status that GitHub shows *by* above the newest report. The target is locked."""
    creator = f" by {by.creator}" if by.creator else ""
    note = f"status {by.id}: {by.state}{creator}, {by.created_at:%Y-%m-%d %H:%M:%S} UTC"
    _note_once(tx, seen, seen.ours.newest, EventKind.OVERRIDDEN, note)


def note_unseen(tx: Transaction, seen: Snapshot) -> None:
    """Note once that GitHub accepted the newest report but did not list its status in a day. The target is locked."""
    note = f"GitHub accepted it as status {seen.ours.own}, and its list has not shown that clearly in a day"
    _note_once(tx, seen, seen.ours.newest, EventKind.ABSENT, note)


def note_unmarked(tx: Transaction, seen: Snapshot) -> None:
    """Note once that GitHub lists the newest report's status without its marker. The target is locked."""
    note = f"GitHub lists status {seen.ours.own} without the marker that its link had: a lost request cannot be found"
    _note_once(tx, seen, seen.ours.newest, EventKind.ABSENT, note)


def _note_once(tx: Transaction, seen: Snapshot, report_id: int, kind: EventKind, note: str) -> None:
    """Append the event unless the report has one of this *kind* with the same note, compared up to a colon."""
    prefix = "".join(note.partition(":")[:2])
    noted = select(ReportEvent.id).where(
        ReportEvent.report_id == report_id, ReportEvent.kind == kind, col(ReportEvent.note).startswith(prefix)
    )
    if tx.session.exec(noted.limit(1)).one_or_none() is None:
        events.append(tx, report_id, kind, credential=seen.credential, note=note)


def repair(tx: Transaction, seen: Snapshot, kind: SurfaceKind) -> bool:
    """Give the newest report, covered on GitHub by an older one, a new edition, due now. The target is locked.

    False: the target no longer matches the snapshot, or the report has had its last edition.
    """
    newest = tx.session.get_one(StatusReport, seen.ours.newest)
    edition = seen.edition + 1
    if edition > MOST_EDITIONS:
        return False
    mark = marker(newest.job_id, newest.execution, newest.state, edition)
    renewed = tx.session.exec(
        update(StatusReport).where(col(StatusReport.id) == seen.ours.newest, _is_unchanged(seen)).values(
            edition=edition, marker=mark, target_url=kind.marked(newest.target_url, mark),
            delivered_at=None, github_status_id=None,
        )
    )  # fmt: skip
    if renewed.rowcount == 0:
        return False
    tx.session.exec(
        update(StatusTarget).where(col(StatusTarget.id) == seen.target_id).values(due_at=tx.now, bulk_at=None)
    )
    note = f"an older status covered it; edition {edition}"
    events.append(tx, seen.ours.newest, EventKind.REPAIRED, credential=seen.credential, note=note)
    return True
