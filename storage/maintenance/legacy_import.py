"""Imports outcomes of the system before Reportback as undelivered reports: each once, none over a job of ours.

An imported job has no `host`, as no process of ours ran it. Reportback's own jobs always supersede imported ones,
whatever time the old system names: clocks of two systems give no order. Imported jobs are ordered by the old system's
clock; their `started_at` is when they were requested.
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
    """Disposition of an old job, and why: `QUEUED`, or what prevents its import."""

    what: Disposition
    why: str = ""


IMPORTED = Result(Disposition.KNOWN, "imported before")


class _StandsInTheWay(Exception):
    """Rolls back the import of a job."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.why)
        self.result = result


async def preview(session: AsyncSession, old: OldJob, *, kept_since: datetime) -> Result:
    """The result that `take_over` would have now. Only reads."""
    known, rival = await _known(session, old), await _rival(session, old, kept_since)
    return known or rival or Result(Disposition.QUEUED)


async def take_over(
    session: AsyncSession, old: OldJob, *, url: str, credential: str, kept_since: datetime, actor: str, now: datetime
) -> Result:
    """Record the outcome of *old*, which has ended and has a target, as a report due now; once for each job.

    *url*: link of its status. *kept_since*: reports settled before that may have been pruned.
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
    """The newer report that supersedes it, or may have been pruned. None: there is none."""
    assert old.target is not None  # it reports
    here = (StatusTarget.key == old.target.key, col(Job.id) != old.job_id)
    ours_first = (col(Job.host).is_(None), col(Job.started_at).desc())
    found = await session.exec(select(Job).join(StatusTarget).where(*here).order_by(*ours_first).limit(1))
    other = found.one_or_none()
    if other is not None and other.host is not None:
        return Result(Disposition.NEWER, f"Reportback's own job {other.id} supersedes it")
    if other is not None and other.started_at is not None and other.started_at >= old.created_at:
        return Result(Disposition.NEWER, f"job {other.id}, imported before, is newer")
    if old.created_at <= kept_since and await _may_have_forgotten(session, kept_since):
        return Result(Disposition.NEWER, "something newer may have been forgotten: it is older than REPORTBACK_KEEP")
    return None


async def _may_have_forgotten(session: AsyncSession, kept_since: datetime) -> bool:
    """Whether reports may have been pruned: true unless the very first event is there and recent enough."""
    first = (await session.exec(select(ReportEvent.id, ReportEvent.at).order_by(col(ReportEvent.id)).limit(1))).first()
    return first is not None and (first[0] != 1 or first[1] <= kept_since)
