"""Decides which old jobs to import, and records their outcomes as undelivered reports: each once, none over another.

Only a target of which the ledger knows nothing gets one: clocks of two systems give no order. An imported job has no
`host`, as no process of ours ran it; its `started_at` is when it was requested.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from console.legacy_import.old_jobs import OldJob
from domain.text import clean
from github_api.credentials import NoCredential
from settings import Settings
from storage.delivery import credentials
from storage.delivery.turns import take_turn
from storage.jobs import jobs
from storage.models import Job
from tasks.delivery.open_reporter import credential_of
from tasks.delivery.reporter import Reporter
from tasks.jobs.accept import commit_page


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


def chosen(found: Sequence[OldJob]) -> list[Verdict]:
    """The verdict on each job, from the files alone; `QUEUED`: to be imported.

    Ordered by their times, which were all written by the old system's clock.
    """
    newest = {job.target.key: job for job in sorted(found, key=_age) if job.target}
    return [_verdict(job, newest[job.target.key] if job.target else job) for job in found]


def _age(job: OldJob) -> tuple[datetime, bool, bool, str, str]:
    """Sort key; of two copies of one job, the more complete one comes last."""
    return job.created_at, bool(job.is_reported), job.state is not None, job.id, job.file


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


async def take_over(reporter: Reporter, old: OldJob, settings: Settings, *, is_dry_run: bool) -> Verdict:
    """Record the outcome of *old*, which has ended and has a target, as a report due now; once for each job."""
    assert old.target is not None  # it is owed a report
    try:
        credential = credential_of(old.target.repository, settings)
    except NoCredential as error:
        return Verdict(old, Disposition.BAD, str(error))
    url = (old.github and old.github.url) or commit_page(str(settings.github_api_url), old.target)
    async with reporter.transaction() as (session, now):
        if old.created_at <= now - settings.keep:
            why = "something newer may have been forgotten: it is older than REPORTBACK_KEEP"
            return Verdict(old, Disposition.NEWER, why)
        await credentials.ensure(session, credential)  # before the target's row is locked
        made = await _first_of_its_target(session, old, url, now)
        if isinstance(made, Job):
            await jobs.report(session, made, old.summary, credential=credential, actor=reporter.actor, now=now)
        if is_dry_run or not isinstance(made, Job):
            await session.rollback()
    return Verdict(old, Disposition.QUEUED) if isinstance(made, Job) else made


async def _first_of_its_target(session: AsyncSession, old: OldJob, url: str, now: datetime) -> Job | Verdict:
    """The new row of *old*, if it is the first of its target."""
    assert old.target and old.state and old.job_id and old.ended_at  # it is over, and reports
    target_id, turn = await take_turn(session, old.target)
    if turn > 1:
        if (await session.exec(select(Job.number).where(Job.id == old.job_id))).first():
            return Verdict(old, Disposition.KNOWN, "imported before")
        return Verdict(old, Disposition.NEWER, "the ledger has a job of this commit and context")
    ended_at = min(old.ended_at, now)
    job = Job(
        id=old.job_id, type=old.type, target_id=target_id, url=url, turn=turn, state=old.state, beat_at=ended_at,
        started_at=old.created_at, ended_at=ended_at, summary=clean(old.summary)[:500],
    )  # fmt: skip
    session.add(job)
    await session.flush()
    return job
