"""The story of a report: appended by the transaction that makes it true, never changed."""

from datetime import datetime

from sqlmodel import col, func, insert, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.outcome import Exchange
from domain.report import EventKind
from domain.settlement import Tries
from domain.text import clean
from storage.models import ReportEvent, StatusReport, StatusTarget

ANSWERED_2XX = range(200, 300)
NOTE = 500
"""Characters of a note that are kept."""


async def append(
    session: AsyncSession, report_id: int, kind: EventKind, *, actor: str, at: datetime,
    credential: str | None = None, attempt: int | None = None, exchange: Exchange | None = None,
    seconds: float | None = None, note: str | None = None,
) -> None:  # fmt: skip
    """Append what happened to a report. *seconds* is how long its request took."""
    seen = exchange or Exchange()
    await session.exec(
        insert(ReportEvent).values(
            report_id=report_id, credential=credential, at=at, kind=kind, attempt=attempt, seconds=seconds, actor=actor,
            http_status=seen.http_status, github_request_id=seen.request_id, note=clean(note)[:NOTE] if note else None,
        )
    )  # fmt: skip


async def story(session: AsyncSession, report_id: int) -> list[ReportEvent]:
    """All that happened to a report, in order."""
    found = await session.exec(
        select(ReportEvent).where(ReportEvent.report_id == report_id).order_by(col(ReportEvent.id))
    )
    return list(found)


async def tries(session: AsyncSession, report: StatusReport) -> Tries:
    """What came of *report* since it was recorded or, later, reopened."""
    mine = col(ReportEvent.report_id) == report.id
    reopened = select(func.max(ReportEvent.id)).where(mine, ReportEvent.kind == EventKind.REOPENED).scalar_subquery()
    since = select(ReportEvent.at, ReportEvent.kind, ReportEvent.http_status).where(
        mine, col(ReportEvent.id) > func.coalesce(reopened, 0)
    )
    failed = [
        (at, kind, status)
        for at, kind, status in await session.exec(since.order_by(col(ReportEvent.id)))
        if kind in (EventKind.NOT_SENT, EventKind.UNKNOWN)
    ]
    refused = await session.exec(select(StatusTarget.refused_since).where(StatusTarget.id == report.target_id))
    return Tries(
        created_at=report.created_at,
        refused_since=refused.one(),
        failing_since=failed[0][0] if failed else None,
        unconfirmed=sum(kind is EventKind.UNKNOWN and status in ANSWERED_2XX for _, kind, status in failed),
    )
