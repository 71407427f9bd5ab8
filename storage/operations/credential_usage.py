"""Usage of each credential: its pause, GitHub's rate limit, requests sent, and undelivered reports."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import case, col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.budget import HOUR, MINUTE
from domain.delivery.report import EventKind
from storage.models import Credential, ReportEvent, StatusTarget


@dataclass(frozen=True, slots=True)
class CredentialUsage:
    """Usage of a credential, by its name. The rate limit is from GitHub's last answer; None: it has not named it."""

    name: str
    paused_until: datetime | None = None
    pause_reason: str | None = None
    rate_limit: int | None = None
    rate_remaining: int | None = None
    rate_reset_at: datetime | None = None
    posts_last_minute: int = 0
    posts_last_hour: int = 0
    undelivered: int = 0


async def usages(session: AsyncSession, *, now: datetime) -> list[CredentialUsage]:
    """The usage of every credential that this ledger has ever used, by name."""
    posts = await _posts(session, now)
    waiting = await _undelivered(session)
    found = await session.exec(select(Credential).order_by(col(Credential.name)))
    return [
        CredentialUsage(
            one.name, one.paused_until, one.pause_reason, one.rate_limit, one.rate_remaining, one.rate_reset_at,
            *posts.get(one.name, (0, 0)), waiting.get(one.name, 0),
        )
        for one in found
    ]  # fmt: skip


async def _posts(session: AsyncSession, now: datetime) -> dict[str, tuple[int, int]]:
    """Requests of each credential in the last minute and in the last hour, as the write budget counts them."""
    in_minute = func.sum(case((col(ReportEvent.at) > now - MINUTE, 1), else_=0))
    sent = (col(ReportEvent.kind) == EventKind.POSTED, col(ReportEvent.at) > now - HOUR)
    found = select(ReportEvent.credential, in_minute, func.count()).where(
        *sent,
        col(ReportEvent.credential).in_(select(Credential.name)),  # uses the index, which begins with the name
    )
    rows = await session.exec(found.group_by(col(ReportEvent.credential)))
    return {name: (int(minute), hour) for name, minute, hour in rows if name is not None}


async def _undelivered(session: AsyncSession) -> dict[str, int]:
    found = select(StatusTarget.credential, func.count()).where(col(StatusTarget.due_at).is_not(None))
    rows = await session.exec(found.group_by(col(StatusTarget.credential)))
    return {name: count for name, count in rows if name is not None}
