"""Counts a credential's `posted` events against its write budget, under the lock of the credential's row."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Integer, ScalarSelect, bindparam
from sqlmodel import and_, col, func, not_, or_, select, update

from domain.delivery.budget import BUDGET_WAIT, MINUTE, Spent, Urgency, WriteBudget, free_at, urgency_of
from domain.delivery.report import EventKind, Rank
from storage.delivery.reports import is_claimable
from storage.models import Credential, ReportEvent, StatusReport, StatusTarget
from storage.transaction import Transaction

MARGIN = timedelta(minutes=1)
"""Times ahead of the clock by less are tolerated: other transactions read the clock a little later."""

IS_BOUND_BY_HOUR: ColumnElement[bool] = or_(
    col(StatusReport.rank) == Rank.PENDING.value, col(StatusTarget.bulk_at).is_not(None)
)
"""`Urgency.HOUR` as SQL, over a target joined with its newest report."""


ONE_WAITING = (
    select(StatusTarget.id)
    .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
    .where(
        col(StatusTarget.credential) == bindparam("name"),
        is_claimable(bindparam("now"), due_by=bindparam("now")),
        not_(IS_BOUND_BY_HOUR),
    )
    .limit(bindparam("most", type_=Integer))
)
OUTCOMES_WAITING = select(func.count()).select_from(ONE_WAITING.subquery())

POSTED = and_(col(ReportEvent.credential) == bindparam("name"), col(ReportEvent.kind) == EventKind.POSTED)


def _posted_at(nth: str) -> ScalarSelect[datetime]:
    """When the *nth* last request of the credential was sent, counted from 0."""
    newest_first = select(ReportEvent.at).where(POSTED).order_by(col(ReportEvent.at).desc())
    return newest_first.offset(bindparam(nth, type_=Integer)).limit(1).scalar_subquery()


RESERVED_AT = select(Credential.reserved_at).where(col(Credential.name) == bindparam("name"))
SPENT = select(_posted_at("last"), _posted_at("of_minute"), _posted_at("of_hour"), RESERVED_AT.scalar_subquery())


def urgency(target: StatusTarget, newest: StatusReport, *, job_ends_now: bool) -> Urgency:
    """Which limits of the budget apply to a target's *newest* report. *job_ends_now*: its own job is the sender."""
    is_pending, in_bulk = newest.rank == Rank.PENDING, target.bulk_at is not None
    return urgency_of(is_pending=is_pending, in_bulk=in_bulk, job_ends_now=job_ends_now)


def wait_until(
    tx: Transaction, credential: str, budget: WriteBudget | None, urgent: Urgency, *, moment: datetime | None = None
) -> datetime | None:
    """When the next request is within *budget*; None: now. Reliable only while the credential's row is locked.

    *moment*: the time this sender reserved; the spacing does not apply to it then. `pending` leaves their part of the
    minute to the outcomes that wait.
    """
    if budget is None:
        return None
    outcomes = 0 if urgent < Urgency.HOUR else outcomes_waiting(tx, credential, budget.per_minute)
    if outcomes >= budget.per_minute:
        return tx.now + MINUTE
    windows = (budget.per_minute - outcomes, budget.per_hour)
    spent = _spent(tx, credential, *windows)
    if spent.last_at is not None and spent.last_at > tx.now + MARGIN:
        cut_posted(tx, credential)
        spent = _spent(tx, credential, *windows)
    free = free_at(spent, budget, urgent, moment=moment, now=tx.now)
    return free if free is not None and free > tx.now else None


def reserve(tx: Transaction, credential: str, urgent: Urgency, until: datetime) -> bool:
    """Reserve *until* for a sender; False: it must not wait for it. The credential's row is locked.

    At most `BUDGET_WAIT` ahead, so that a reservation whose sender dies wastes only itself; and no `pending` while an
    outcome waits, which would find every time reserved.
    """
    if until - tx.now > BUDGET_WAIT:
        return False
    if urgent >= Urgency.HOUR and outcomes_waiting(tx, credential, 1):
        return False
    if urgent >= Urgency.SPACING:
        mine = col(Credential.name) == credential
        # A claim that locked one credential and finds another at its target must not wait for that row here.
        locked = select(Credential.name).where(mine).with_for_update(key_share=True, skip_locked=True)
        if tx.session.exec(locked).one_or_none() is None:
            return False
        tx.session.exec(update(Credential).where(mine).values(reserved_at=until))
    return True


def outcomes_waiting(tx: Transaction, credential: str, most: int) -> int:
    """How many outcomes of the credential could be claimed now, apart from the write budget; at most *most*."""
    return int(tx.execute(OUTCOMES_WAITING, name=credential, now=tx.now, most=most).scalar_one())


def _spent(tx: Transaction, credential: str, per_minute: int, per_hour: int) -> Spent:
    nths = {"last": 0, "of_minute": per_minute - 1, "of_hour": per_hour - 1}
    return Spent(*tx.execute(SPENT, name=credential, **nths).one())


def cut_posted(tx: Transaction, credential: str) -> bool:
    """Set requests recorded while the clock was ahead to now. False: there are none."""
    ahead = update(ReportEvent).where(POSTED, col(ReportEvent.at) > tx.now + MARGIN).values(at=tx.now)
    return tx.execute(ahead, name=credential).rowcount > 0
