"""What waits to be delivered, and when to look again."""

from datetime import datetime

from sqlmodel import and_, case, col, func, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.budget import WriteBudget
from storage import budget
from storage.models import Credential, StatusReport, StatusTarget


async def due(
    session: AsyncSession, *, limit: int, write_budget: WriteBudget | None = None, now: datetime
) -> list[int]:
    """Ids of targets that a claim may take: due, or under an expired lease. Outcomes before `pending`, oldest first.

    Without those whose credential pauses or has spent its budget: they must not keep the others waiting.
    """
    spent = await _spent(session, write_budget, now)
    may = and_(
        col(StatusTarget.due_at) <= now,
        or_(col(StatusTarget.lease).is_(None), col(StatusTarget.lease_expires_at) <= now),
        or_(col(StatusTarget.doubt_until).is_(None), col(StatusTarget.doubt_until) <= now, col(StatusReport.read_back)),
        or_(col(Credential.paused_until).is_(None), col(Credential.paused_until) <= now),
        or_(col(Credential.name).not_in(spent), col(StatusReport.read_back)),
    )
    found = (
        select(StatusTarget.id)
        .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
        .join(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(may)
        .order_by(col(StatusReport.rank) == 0, col(StatusReport.created_at))
        .limit(limit)
    )
    return [target_id for target_id in await session.exec(found) if target_id is not None]


async def _spent(session: AsyncSession, write_budget: WriteBudget | None, now: datetime) -> dict[str, datetime]:
    """Credentials with something due whose budget is spent, and until when."""
    if write_budget is None:
        return {}
    found = select(StatusTarget.credential).where(col(StatusTarget.due_at).is_not(None)).distinct()
    names = [name for name in await session.exec(found) if name is not None]
    waits = {
        name: await budget.wait_until(session, name, write_budget, is_outcome_now=False, now=now) for name in names
    }
    return {name: until for name, until in waits.items() if until is not None}


async def next_due(session: AsyncSession, *, write_budget: WriteBudget | None = None, now: datetime) -> datetime | None:
    """When to ask `due` again, if it names nothing now: something may have come due by then. None: nothing will."""
    moments = (StatusTarget.due_at, StatusTarget.doubt_until, StatusTarget.lease_expires_at, Credential.paused_until)
    ahead = [func.min(case((col(moment) > now, col(moment)))) for moment in moments]
    found = (
        select(*ahead)
        .select_from(StatusTarget)
        .join(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(col(StatusTarget.due_at).is_not(None))
    )
    waits = (await _spent(session, write_budget, now)).values()
    return min((moment for moment in (*(await session.exec(found)).one(), *waits) if moment is not None), default=None)


async def count_undelivered(session: AsyncSession) -> int:
    """How many targets wait for GitHub to hear what speaks for them; rejected ones do not."""
    return (await session.exec(select(func.count()).where(col(StatusTarget.due_at).is_not(None)))).one()
