"""Decides which old jobs to import, and records their outcomes as undelivered reports: each once, none over another.

Only a target of which the ledger knows nothing gets one: clocks of two systems give no order. An imported job has no
`host`, as no process of ours ran it; its `started_at` is when it was requested.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from console.legacy_import.old_jobs import OldJob
from domain.text import clean
from storage.delivery import credentials
from storage.delivery.turns import take_turn
from storage.jobs import jobs
from storage.ledger import Ledger
from storage.models import Job


class Disposition(StrEnum):
    """Dispositions of an old job."""

    QUEUED = "queued"  # its outcome is an undelivered report
    KNOWN = "known"  # it was imported before
    NEWER = "newer"  # a newer job supersedes it, or may
    UNFINISHED = "unfinished"  # it has no outcome
    REPORTED = "reported"  # the old system reported it
    NO_TARGET = "no_target"  # it has no target
    BAD = "bad"  # a field, a file, or the settings must be corrected first


@dataclass(frozen=True, slots=True)
class Verdict:
    """The disposition of `job`, and why."""

    job: OldJob
    what: Disposition
    why: str = ""


IMPORTED = Disposition.KNOWN, "imported before"
SUPERSEDED = Disposition.NEWER, "the ledger has a job of this commit and context"
FORGOTTEN = Disposition.NEWER, "something newer may have been forgotten: it is older than REPORTBACK_KEEP"


class _NotImported(Exception):
    """Rolls back the import of a job; a disposition, and why."""


def chosen(found: Sequence[OldJob]) -> list[Verdict]:
    """The verdict on each job, from the files alone; `QUEUED`: to be imported.

    Ordered by their times, which were all written by the old system's clock.
    """
    newest = {job.target.key: job for job in sorted(found, key=_age) if job.target}
    return [_verdict(job, newest[job.target.key] if job.target else job) for job in found]


def _age(job: OldJob) -> tuple[datetime, bool, bool, str, str]:
    """Sort key; of two copies of one job, the more complete one comes last."""
    return job.created_at, job.is_reported, job.state is not None, job.id, job.file


def _verdict(job: OldJob, newest: OldJob) -> Verdict:
    if job.problem:
        return Verdict(job, Disposition.BAD, job.problem)
    if newest is not job:
        may = "may supersede" if newest.problem else "supersedes"
        return Verdict(job, Disposition.NEWER, f"{newest.id} in {newest.file} {may} it")
    if job.target is None:
        return Verdict(job, Disposition.NO_TARGET, "it reports nowhere")
    if job.is_reported:
        return Verdict(job, Disposition.REPORTED, "the old system has reported it")
    if job.state is None:
        return Verdict(job, Disposition.UNFINISHED, "it was not finished: start it again")
    return Verdict(job, Disposition.QUEUED)


async def take_over(
    ledger: Ledger, old: OldJob, *, url: str, credential: str, keep: timedelta, actor: str, is_dry_run: bool
) -> Verdict:
    """Record the outcome of *old*, which has ended and has a target, as a report due now; once for each job.

    *url*: link of its status. *keep*: how long the ledger knows for sure what it has settled.
    """
    try:
        async with ledger.transaction() as session:
            now = await ledger.clock(session)
            await credentials.ensure(session, credential)  # before the target's row is locked
            job = await _first_of_its_target(session, old, url, now, keep)
            await jobs.report(session, job, old.summary, credential=credential, actor=actor, now=now)
            if is_dry_run:
                await session.rollback()
    except _NotImported as found:
        return Verdict(old, *found.args)
    return Verdict(old, Disposition.QUEUED)


async def _first_of_its_target(session: AsyncSession, old: OldJob, url: str, now: datetime, keep: timedelta) -> Job:
    """The new row of *old*, if it is the first of its target."""
    assert old.target and old.state and old.job_id and old.ended_at  # it is over, and reports
    if old.created_at <= now - keep:
        raise _NotImported(*FORGOTTEN)
    target_id, turn = await take_turn(session, old.target)
    if turn > 1:
        is_known = (await session.exec(select(Job.number).where(Job.id == old.job_id))).first()
        raise _NotImported(*(IMPORTED if is_known else SUPERSEDED))
    ended_at = min(old.ended_at, now)
    job = Job(
        id=old.job_id, type=old.type, target_id=target_id, url=url, turn=turn, state=old.state, beat_at=ended_at,
        started_at=old.created_at, ended_at=ended_at, summary=clean(old.summary)[:500],
    )  # fmt: skip
    session.add(job)
    await session.flush()
    return job
