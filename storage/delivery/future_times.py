"""Corrects times written while the ledger's clock was ahead, before it was set back.

A lease, doubt or pause too far ahead is cut to its full length from now, never to zero: its sender may be alive and a
request in flight. A past event with a future time is set to now.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Update
from sqlmodel import SQLModel, and_, col, exists, or_, select, update

from domain.delivery.policy import LONGEST_PAUSE, Policy
from storage.delivery.budget import MARGIN, cut_posted
from storage.delivery.pauses import is_row_of
from storage.delivery.reports import locked_target
from storage.delivery.verification import FIRST_VERIFICATION, SECOND_VERIFICATION
from storage.models import Credential, Job, Reconciliation, RefusedSecret, ReportEvent, StatusReport, StatusTarget
from storage.transaction import Transaction


def cut(tx: Transaction, *, policy: Policy) -> None:
    """Correct all times too far ahead; called by each reconciliation run.

    Rows are locked in one order: job, credential, target, report.
    """
    tx.session.exec(_cut(Job, "beat_at", tx.now, timedelta(0), and_(col(Job.ended_at).is_(None))))
    for credential in tx.session.exec(select(Credential)).all():
        _cut_credential(tx, credential, policy)
    for statement in _of_targets(policy, tx.now):
        tx.session.exec(statement)
    _cut_due(tx, policy)
    for statement in _facts(tx.now):
        tx.session.exec(statement)


def cut_target(tx: Transaction, target: StatusTarget, *, policy: Policy) -> StatusTarget:
    """Correct the lease and the doubt of a target whose row is locked; returns its row."""
    ahead = (
        target.lease_expires_at is not None and target.lease_expires_at > tx.now + policy.lease + MARGIN,
        target.doubt_until is not None and target.doubt_until > tx.now + policy.settle_after + MARGIN,
    )
    if target.id is None or not any(ahead):
        return target
    for statement in _lease_and_doubt(policy, tx.now):
        tx.session.exec(statement.where(col(StatusTarget.id) == target.id))
    return locked_target(tx, target.id)


def _cut_credential(tx: Transaction, credential: Credential, policy: Policy) -> None:
    """Correct pauses: to their own length if `posted` events show that the clock was ahead, else to the longest."""
    was_ahead = cut_posted(tx, credential.name)
    refused = tx.session.exec(select(RefusedSecret).where(RefusedSecret.credential == credential.name))
    for one in (credential, *refused):
        own = max(timedelta(seconds=one.pause_seconds or 0), policy.lease)
        longest, margin = (own, timedelta(0)) if was_ahead else (LONGEST_PAUSE, MARGIN)
        tx.session.exec(_cut(type(one), "paused_until", tx.now, longest, is_row_of(one), margin=margin))
    tx.session.exec(_cut(Credential, "refused_until", tx.now, LONGEST_PAUSE, is_row_of(credential)))


def _cut_due(tx: Transaction, policy: Policy) -> None:
    """Make reports due now that wait for longer than possible, or were tried while the clock was ahead."""
    ahead = (col(ReportEvent.report_id) == col(StatusTarget.newest_id), col(ReportEvent.at) > tx.now + MARGIN)
    was_ahead = and_(col(StatusTarget.due_at) > tx.now + MARGIN, exists().where(*ahead))
    too_far = (
        col(StatusTarget.due_at) > tx.now + 2 * policy.longest_backoff
    )  # REPORTBACK_FIRST_DELAY may have been longer
    found = tx.session.exec(update(StatusTarget).where(or_(too_far, was_ahead)).values(due_at=tx.now))
    if found.rowcount:
        due = select(StatusTarget.newest_id).where(col(StatusTarget.due_at).is_not(None))
        tx.session.exec(_cut(ReportEvent, "at", tx.now, timedelta(0), col(ReportEvent.report_id).in_(due)))
        tx.session.exec(_cut(StatusReport, "created_at", tx.now, timedelta(0), col(StatusReport.id).in_(due)))


def _of_targets(policy: Policy, now: datetime) -> Iterator[Update]:
    yield from _lease_and_doubt(policy, now)
    too_late = col(StatusTarget.verify_at) > now + SECOND_VERIFICATION + MARGIN
    yield update(StatusTarget).where(too_late).values(verify_at=now + FIRST_VERIFICATION)
    yield _cut(StatusTarget, "refused_since", now, timedelta(0))


def _lease_and_doubt(policy: Policy, now: datetime) -> Iterator[Update]:
    yield _cut(StatusTarget, "lease_expires_at", now, policy.lease, col(StatusTarget.lease).is_not(None))
    yield _cut(StatusTarget, "doubt_until", now, policy.settle_after)


def _facts(now: datetime) -> Iterator[Update]:
    looked_at = select(StatusTarget.newest_id).where(col(StatusTarget.verify_at).is_not(None))
    yield _cut(StatusReport, "delivered_at", now, timedelta(0), col(StatusReport.id).in_(looked_at))
    yield _cut(Reconciliation, "started_at", now, timedelta(0))
    yield _cut(Reconciliation, "ended_at", now, timedelta(0))


def _cut(
    table: type[SQLModel], column: str, now: datetime, length: timedelta, *where: ColumnElement[bool],
    margin: timedelta = MARGIN,
) -> Update:  # fmt: skip
    """Set times more than *margin* beyond *now* + *length* to that."""
    stored = SQLModel.metadata.tables[str(table.__tablename__)].c[column]
    return update(table).where(stored > now + length + margin, *where).values({column: now + length})
