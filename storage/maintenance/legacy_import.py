"""Outcomes of the system before this one, recorded as undelivered reports: each once, and none over a job of ours.

An imported job is the one that no process of ours ran: it has no `host`. What Reportback took on itself speaks for its
target, whenever the old system says its own was asked for: clocks of two systems do not order anything. Among imported
jobs the old system's clock does; their `started_at` is when they were asked for.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.legacy_import.old_jobs import OldJob
from domain.legacy_import.takeover import Disposition
from domain.text import clean
from storage.delivery import credentials
from storage.delivery.turns import take_turn
from storage.dialect import insert_ignore
from storage.jobs import jobs
from storage.models import Job, ReportEvent, StatusTarget


@dataclass(frozen=True, slots=True)
class Result:
    """What becomes of an old job by the ledger, and why: `QUEUED`, or what stands in the way."""

    what: Disposition
    why: str = ""


IMPORTED = Result(Disposition.KNOWN, "imported before")


class _StandsInTheWay(Exception):
    """Undoes what was begun."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.why)
        self.result = result


async def preview(session: AsyncSession, old: OldJob, *, kept_since: datetime) -> Result:
    """What `take_over` would come to now. Only reads."""
    known, rival = await _known(session, old), await _rival(session, old, kept_since)
    return known or rival or Result(Disposition.QUEUED)


async def take_over(
    session: AsyncSession, old: OldJob, *, url: str, credential: str, kept_since: datetime, actor: str, now: datetime
) -> Result:
    """Record the outcome of *old*, which has ended and has a target, as a report that is due now; once for each job.

    *url*: what its status links to. *kept_since*: what is settled longer than that the ledger may have forgotten.
    """
    try:
        async with session.begin_nested():
            await _record(session, old, url=url, credential=credential, kept_since=kept_since, actor=actor, now=now)
    except _StandsInTheWay as found:
        return found.result
    return Result(Disposition.QUEUED)


async def _record(
    session: AsyncSession, old: OldJob, *, url: str, credential: str, kept_since: datetime, actor: str, now: datetime
) -> None:
    assert old.state is not None and old.target is not None and old.ended_at is not None  # it is over, and reports
    ended_at = min(old.ended_at, now)
    row = {
        "id": old.job_id, "type": old.type, "options": {}, "url": url, "execution": 1, "state": old.state,
        "beat_at": ended_at, "started_at": old.created_at, "ended_at": ended_at, "summary": clean(old.summary)[:500],
    }  # fmt: skip
    if not await insert_ignore(session, Job, ("id",), row):
        raise _StandsInTheWay(await _known(session, old) or IMPORTED)  # none: it was pruned just now
    await credentials.ensure(session, credential)  # before the target's row is locked
    target_id, turn = await take_turn(session, old.target)
    if rival := await _rival(session, old, kept_since):
        raise _StandsInTheWay(rival)
    mine = col(Job.id) == old.job_id
    await session.exec(update(Job).where(mine).values(target_id=target_id, turn=turn))
    job = (await session.exec(select(Job).where(mine), execution_options={"populate_existing": True})).one()
    await jobs.report(session, job, old.summary, credential=credential, actor=actor, now=now)


async def _known(session: AsyncSession, old: OldJob) -> Result | None:
    found = await session.exec(
        select(StatusTarget.key).select_from(Job).outerjoin(StatusTarget).where(Job.id == old.job_id)
    )
    for key in found:
        if old.target is not None and key == old.target.key:
            return IMPORTED
        return Result(Disposition.BAD, f"its id is that of job {old.job_id}, which reports elsewhere")
    return None


async def _rival(session: AsyncSession, old: OldJob, kept_since: datetime) -> Result | None:
    """What speaks for its target, or may have."""
    assert old.target is not None  # it reports
    here = (StatusTarget.key == old.target.key, col(Job.id) != old.job_id)
    ours_first = (col(Job.host).is_(None), col(Job.started_at).desc())
    found = await session.exec(select(Job).join(StatusTarget).where(*here).order_by(*ours_first).limit(1))
    other = found.one_or_none()
    if other is not None and other.host is not None:
        return Result(Disposition.NEWER, f"Reportback's own job {other.id} speaks for it")
    if other is not None and other.started_at is not None and other.started_at >= old.created_at:
        return Result(Disposition.NEWER, f"job {other.id}, imported before, is newer")
    if old.created_at <= kept_since and await _may_have_forgotten(session, kept_since):
        return Result(Disposition.NEWER, "something newer may have been forgotten: it is older than REPORTBACK_KEEP")
    return None


async def _may_have_forgotten(session: AsyncSession, kept_since: datetime) -> bool:
    """Whether anything may have been pruned: unless its very first event stands there, and is young enough."""
    first = (await session.exec(select(ReportEvent.id, ReportEvent.at).order_by(col(ReportEvent.id)).limit(1))).first()
    return first is not None and (first[0] != 1 or first[1] <= kept_since)
