"""Looking whether a request that was sent late left a mark: a second status, or an older one on top.

`verify_at` asks for a look: a request was in doubt, a lease expired, or a sender settled late. It is taken a minute
after the newest report was delivered, and again an hour after, only while that is delivered and neither a lease nor a
doubt stands.
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

FIRST_LOOK = timedelta(minutes=1)
"""When to look whether a request that was sent late left a second mark: after it was noticed, or was delivered."""

SECOND_LOOK = timedelta(hours=1)


def next_look(delivered_at: datetime, now: datetime) -> datetime | None:
    """When to look after a look *now*: an hour after the delivery, or never again if that is past."""
    second = delivered_at + SECOND_LOOK
    return second if now < second else None


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
    not_before: datetime | None
    older: frozenset[str]


async def ask(session: AsyncSession, target_id: int, *, now: datetime) -> None:
    """Have somebody look: a request may have been sent late."""
    mine = col(StatusTarget.id) == target_id
    await session.exec(update(StatusTarget).where(mine).values(verify_at=now + FIRST_LOOK))


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
            or_(col(Credential.paused_until).is_(None), col(Credential.paused_until) <= now),
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
        not_before=newest.not_before,
        older=frozenset(mine) - {newest.marker},
    )


async def is_as_read(session: AsyncSession, seen: Look) -> bool:
    """Whether the target, locked from here on, is still what the look was compared with."""
    target = await locked_target(session, seen.target_id)
    newest = await session.get_one(StatusReport, seen.newest_id, populate_existing=True)
    return target.newest_id == seen.newest_id and newest.edition == seen.edition and target.lease is None


async def looked(session: AsyncSession, seen: Look, *, again_at: datetime | None) -> None:
    """The look has been taken; the next one is due *again_at*. None: no more."""
    mine = col(StatusTarget.id) == seen.target_id
    await session.exec(update(StatusTarget).where(mine).values(verify_at=again_at))


async def note_doubled(session: AsyncSession, seen: Look, mark: str, *, actor: str, now: datetime) -> None:
    """GitHub holds a report's marker twice: the duplicate is counted, once. The target is locked."""
    report_id = (await session.exec(select(StatusReport.id).where(StatusReport.marker == mark))).one()
    assert report_id is not None
    doubled = (ReportEvent.report_id == report_id, ReportEvent.kind == EventKind.DOUBLED)
    if (await session.exec(select(ReportEvent.id).where(*doubled).limit(1))).one_or_none() is None:
        await events.append(
            session, report_id, EventKind.DOUBLED, actor=actor, at=now, credential=seen.credential, note="sent late"
        )


async def repair(session: AsyncSession, seen: Look, *, actor: str, now: datetime) -> None:
    """An older report covers the newest on GitHub: it gets a new edition, and is due now. The target is locked."""
    newest = await session.get_one(StatusReport, seen.newest_id)
    edition = seen.edition + 1
    mark = marker(newest.job_id, newest.execution, newest.state, edition)
    as_read = and_(col(StatusReport.id) == seen.newest_id, col(StatusReport.edition) == seen.edition)
    await session.exec(
        update(StatusReport).where(as_read).values(
            edition=edition, marker=mark, target_url=marked(newest.target_url, mark),
            delivered_at=None, github_status_id=None,
        )
    )  # fmt: skip
    await session.exec(update(StatusTarget).where(col(StatusTarget.id) == seen.target_id).values(due_at=now))
    note = f"an older status covered it; edition {edition}"
    await events.append(
        session, seen.newest_id, EventKind.REPAIRED, actor=actor, at=now, credential=seen.credential, note=note
    )
