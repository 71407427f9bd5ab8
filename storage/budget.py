"""The write budget, counted in the `posted` events of a credential whose row is locked."""

from datetime import datetime
from functools import partial

from sqlalchemy import ScalarSelect, literal
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.budget import Spent, WriteBudget, free_at
from domain.report import EventKind
from storage.models import ReportEvent

POSTED = literal(EventKind.POSTED.value, literal_execute=True)
"""A literal in the SQL itself: with a bound parameter PostgreSQL's generic plan would not use the partial index."""


async def wait_until(
    session: AsyncSession, credential: str, budget: WriteBudget | None, *, is_outcome_now: bool, now: datetime
) -> datetime | None:
    """When the next request is within *budget*; None: now is. For a true answer the credential's row is locked."""
    if budget is None:
        return None
    nth_last = partial(_nth_last, credential)
    asked = select(nth_last(1), nth_last(budget.per_minute), nth_last(budget.per_hour))
    last_at, filled_minute_at, filled_hour_at = (await session.exec(asked)).one()
    spent = Spent(last_at, filled_minute_at, filled_hour_at)
    moment = free_at(spent, budget, is_outcome_now=is_outcome_now)
    return moment if moment is not None and moment > now else None


def _nth_last(credential: str, nth: int) -> ScalarSelect[datetime]:
    """When the *nth* last request of the credential left."""
    mine = (col(ReportEvent.credential) == credential, col(ReportEvent.kind) == POSTED)
    found = select(ReportEvent.at).where(*mine).order_by(col(ReportEvent.at).desc()).offset(nth - 1).limit(1)
    return found.scalar_subquery()
