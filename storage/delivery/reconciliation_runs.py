"""Reconciliation runs: begin, end, and when the last one succeeded."""

from datetime import datetime
from uuid import UUID

from sqlmodel import col, exists, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Reconciliation


async def begin(session: AsyncSession, run_id: UUID, *, now: datetime) -> int:
    """Store a reconciliation run that begins now; its id. A run without an end is active, or died."""
    row = Reconciliation(run_id=run_id, started_at=now)
    session.add(row)
    await session.flush()
    assert row.id is not None
    return row.id


async def end(session: AsyncSession, row_id: int, *, delivered: int, undelivered: int, now: datetime) -> None:
    """Store the end of a run."""
    mine = col(Reconciliation.id) == row_id
    values = {"ended_at": now, "delivered": delivered, "undelivered": undelivered}
    await session.exec(update(Reconciliation).where(mine).values(**values))


async def has_succeeded_since(session: AsyncSession, moment: datetime) -> bool:
    """Whether a run that began at *moment* or later has ended: all of its work was done after *moment*."""
    succeeded = exists().where(col(Reconciliation.started_at) >= moment, col(Reconciliation.ended_at).is_not(None))
    return bool((await session.exec(select(succeeded))).one())


async def last_success(session: AsyncSession) -> datetime | None:
    """When the latest run that ended did so. None: none has ended."""
    ended = col(Reconciliation.ended_at)
    latest = select(ended).where(ended.is_not(None)).order_by(col(Reconciliation.started_at).desc()).limit(1)
    return (await session.exec(latest)).one_or_none()
