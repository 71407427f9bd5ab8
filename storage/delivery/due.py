"""Finds the targets that are due for delivery, and when to ask again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, false
from sqlmodel import and_, case, col, func, not_, or_, select

from domain.delivery.budget import Urgency, WriteBudget
from storage.delivery import budget
from storage.delivery.budget import IS_BOUND_BY_HOUR
from storage.delivery.pauses import FOR_A_REFUSED_SECRET
from storage.delivery.reports import is_claimable
from storage.dialect import avoid_table_scans
from storage.models import Credential, StatusReport, StatusTarget
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Offer:
    """A target that a claim may take. `reads_back`: it is read back first, which costs no write budget."""

    target_id: int
    credential: str
    reads_back: bool


def offers(
    tx: Transaction, *, limit: int, write_budget: WriteBudget | None = None, waiting: Collection[str] = ()
) -> list[Offer]:
    """Targets that a claim may take: due, or under an expired lease. Of each credential outcomes first, oldest first.

    Round-robin: the first of each credential, the second of each, and so on. Excluded are credentials that pause for a
    limit, have spent their budget, or are among *waiting*: this process has a secret of them that was refused.
    """
    avoid_table_scans(tx)
    spent = _spent(tx, write_budget)
    may = and_(
        or_(is_claimable(tx.now, due_by=tx.now), _is_expired(tx.now)),
        _is_not_paused(tx.now),
        col(Credential.name).not_in(waiting),
        or_(col(StatusReport.read_back), not_(_waits_for_budget(spent))),
    )
    first = (col(StatusReport.rank) == 0, col(StatusReport.created_at), col(StatusTarget.id))
    place = func.row_number().over(partition_by=col(StatusTarget.credential), order_by=first)
    found = (
        select(StatusTarget.id, StatusTarget.credential, StatusReport.read_back)
        .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
        .join(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(may)
        .order_by(place, *first)
        .limit(limit)
    )
    return [
        Offer(target_id, credential, reads_back)
        for target_id, credential, reads_back in tx.session.exec(found)
        if target_id is not None and credential is not None
    ]


def _is_expired(now: datetime) -> ColumnElement[bool]:
    """Condition: the target's lease has expired; the next claim ends it and reads back."""
    return and_(col(StatusTarget.due_at) <= now, col(StatusTarget.lease_expires_at) <= now)


def _is_not_paused(now: datetime) -> ColumnElement[bool]:
    return or_(col(Credential.paused_until).is_(None), col(Credential.paused_until) <= now, FOR_A_REFUSED_SECRET)


Spent = dict[tuple[str, Urgency], datetime]
"""Until when a credential's reports of an urgency have to wait for its write budget."""


def _waits_for_budget(spent: Spent) -> ColumnElement[bool]:
    """Condition on a target joined with its newest report: it waits for the write budget."""
    bound = {Urgency.SPACING: not_(IS_BOUND_BY_HOUR), Urgency.HOUR: IS_BOUND_BY_HOUR}
    waiting = (and_(col(StatusTarget.credential) == name, bound[urgent]) for name, urgent in spent)
    return or_(false(), *waiting)


def _spent(tx: Transaction, write_budget: WriteBudget | None) -> Spent:
    """Credentials and urgencies with due reports and no pause that must wait for the budget, and until when."""
    if write_budget is None:
        return {}
    found = (
        select(StatusTarget.credential, IS_BOUND_BY_HOUR)
        .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
        .join(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(col(StatusTarget.due_at).is_not(None), _is_not_paused(tx.now))
        .distinct()
    )
    waits: Spent = {}
    for name, is_bound_by_hour in tx.session.exec(found).all():
        urgent = Urgency.HOUR if is_bound_by_hour else Urgency.SPACING
        until = budget.wait_until(tx, name or "", write_budget, urgent)
        if until is not None:
            waits[name or "", urgent] = until
    return waits


def next_due(
    tx: Transaction, *, write_budget: WriteBudget | None = None, waiting: Mapping[str, datetime] | None = None
) -> datetime | None:
    """When to ask `offers` again if there is none now. None: nothing will become due.

    *waiting*: as in `offers`, with the end of each wait.
    """
    avoid_table_scans(tx)
    moments = (StatusTarget.due_at, StatusTarget.doubt_until, StatusTarget.lease_expires_at, Credential.paused_until)
    ahead = [func.min(case((col(moment) > tx.now, col(moment)))) for moment in moments]
    found = (
        select(*ahead)
        .select_from(StatusTarget)
        .join(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(col(StatusTarget.due_at).is_not(None))
    )
    waits = [*_spent(tx, write_budget).values(), *(waiting or {}).values()]
    return min((moment for moment in (*tx.session.exec(found).one(), *waits) if moment is not None), default=None)


def count_undelivered(tx: Transaction) -> int:
    """How many targets have a current report that is undelivered and not rejected."""
    return tx.session.exec(select(func.count()).where(col(StatusTarget.due_at).is_not(None))).one()
