"""Looking whether a request that was sent late left a mark: a second status, or an older one on top.

`verify_at` asks for a look: a lease expired, or a sender settled late. It is taken a minute after the newest
report was delivered, and again an hour after, only while that is delivered and neither a lease nor a doubt stands.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import and_, col, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.job import Target
from domain.report import EventKind, marked, marker
from storage import events
from storage.models import Credential, ReportEvent, StatusReport, StatusTarget
from storage.reports import locked_target

SECOND_LOOK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at GitHub is compared with. `older`: markers that the newest report speaks over."""

    target_id: int
    target: Target
    credential: str
    newest_id: int
    edition: int
    marker: str
    delivered_at: datetime
    older: frozenset[str]


async def due(session: AsyncSession, *, limit: int, now: datetime) -> list[int]:
    """Ids of targets to look at now."""
    found = (
        select(StatusTarget.id)
        .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
        .join(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(
            col(StatusTarget.verify_at) <= now,
            col(StatusReport.delivered_at).is_not(None),
            col(StatusTarget.lease).is_(None),
            or_(col(StatusTarget.doubt_until).is_(None), col(StatusTarget.doubt_until) <= now),
            col(Credential.paused_until).is_(None),
        )
        .order_by(col(StatusTarget.verify_at))
        .limit(limit)
    )
    return [target_id for target_id in await session.exec(found) if target_id is not None]


async def look(session: AsyncSession, target_id: int) -> Look | None:
    """What GitHub should show for the target. None: its newest report is not delivered any more."""
    found = await session.exec(
        select(StatusTarget, StatusReport)
        .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
        .where(StatusTarget.id == target_id, col(StatusReport.delivered_at).is_not(None))
    )
    row = found.one_or_none()
    if row is None:
        return None
    target, newest = row
    mine = await session.exec(select(StatusReport.marker).where(StatusReport.target_id == target_id))
    assert newest.id is not None and newest.delivered_at is not None and target.credential is not None
    return Look(
        target_id=target_id,
        target=Target(target.repository, target.sha, target.context),
        credential=target.credential,
        newest_id=newest.id,
        edition=newest.edition,
        marker=newest.marker,
        delivered_at=newest.delivered_at,
        older=frozenset(mine) - {newest.marker},
    )


async def looked(session: AsyncSession, seen: Look, *, now: datetime) -> None:
    """All is well: look once more an hour after it was delivered, then never again."""
    again = seen.delivered_at + SECOND_LOOK
    as_read = and_(col(StatusTarget.id) == seen.target_id, col(StatusTarget.newest_id) == seen.newest_id)
    values = {"verify_at": again if now < again else None}
    await session.exec(update(StatusTarget).where(as_read, col(StatusTarget.verify_at) <= now).values(**values))


async def note_doubled(session: AsyncSession, seen: Look, mark: str, *, actor: str, now: datetime) -> None:
    """GitHub holds a report's marker twice: the duplicate is counted, once."""
    report_id = (await session.exec(select(StatusReport.id).where(StatusReport.marker == mark))).one()
    assert report_id is not None
    doubled = (ReportEvent.report_id == report_id, ReportEvent.kind == EventKind.DOUBLED)
    if (await session.exec(select(ReportEvent.id).where(*doubled).limit(1))).one_or_none() is None:
        await events.append(
            session, report_id, EventKind.DOUBLED, actor=actor, at=now, credential=seen.credential, note="sent late"
        )


async def repair(session: AsyncSession, seen: Look, *, actor: str, now: datetime) -> bool:
    """An older report covers the newest on GitHub: the newest gets a new edition, and is due now.

    False: things are no longer as they were read, and nothing changed.
    """
    target = await locked_target(session, seen.target_id)
    if target.newest_id != seen.newest_id or target.lease is not None:
        return False
    newest = await session.get_one(StatusReport, seen.newest_id, populate_existing=True)
    edition = seen.edition + 1
    mark = marker(newest.job_id, newest.execution, newest.state, edition)
    as_read = and_(col(StatusReport.id) == seen.newest_id, col(StatusReport.edition) == seen.edition)
    renewed = await session.exec(
        update(StatusReport).where(as_read).values(
            edition=edition, marker=mark, target_url=marked(newest.target_url, mark),
            delivered_at=None, github_status_id=None,
        )
    )  # fmt: skip
    if renewed.rowcount == 0:
        return False
    await session.exec(update(StatusTarget).where(col(StatusTarget.id) == seen.target_id).values(due_at=now))
    note = f"an older status covered it; edition {edition}"
    await events.append(
        session, seen.newest_id, EventKind.REPAIRED, actor=actor, at=now, credential=seen.credential, note=note
    )
    return True
