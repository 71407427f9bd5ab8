"""Decides which old jobs to import: of each target the newest, if its outcome was not reported yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.legacy_import.old_jobs import OldJob


class Disposition(StrEnum):
    """Dispositions of an old job."""

    QUEUED = "queued"  # its outcome is an undelivered report
    KNOWN = "known"  # it was imported before
    NEWER = "newer"  # a newer job supersedes it
    UNFINISHED = "unfinished"  # it has no outcome
    REPORTED = "reported"  # the old system reported it
    NO_TARGET = "no_target"  # it has no target
    BAD = "bad"  # a field, a file, or the settings must be corrected first


@dataclass(frozen=True, slots=True)
class Verdict:
    """The disposition of `job`, and why."""

    job: OldJob
    what: Disposition
    why: str


def chosen(jobs: Iterable[OldJob]) -> list[Verdict]:
    """The verdict on each job, from the files alone; `QUEUED`: to be imported.

    Ordered by their times, which were all written by the old system's clock.
    """
    targets: dict[str, list[OldJob]] = {}
    verdicts = []
    for job in jobs:
        if job.target is None:
            verdicts.append(_alone(job))
        else:
            targets.setdefault(job.target.key, []).append(job)
    return verdicts + [verdict for rivals in targets.values() for verdict in _among(rivals)]


def _alone(job: OldJob) -> Verdict:
    return (
        Verdict(job, Disposition.BAD, job.problem)
        if job.problem
        else Verdict(job, Disposition.NO_TARGET, "it reports nowhere")
    )


def _among(rivals: Sequence[OldJob]) -> list[Verdict]:
    *older, newest = sorted(rivals, key=_age)
    return [*(Verdict(job, Disposition.NEWER, _named(newest, job)) for job in older), _newest(newest)]


def _age(job: OldJob) -> tuple[datetime, bool, bool, str, str]:
    """Sort key; of two copies of one job, the more complete one comes last."""
    return job.created_at, job.is_reported, job.state is not None, job.id, job.file


def _named(newest: OldJob, job: OldJob) -> str:
    if newest.job_id == job.job_id:
        return f"the same job is in {newest.file}"
    unsure = "may be newer" if newest.problem else "is newer"
    return f"{newest.id} in {newest.file} {unsure}"


def _newest(job: OldJob) -> Verdict:
    if job.problem:
        return Verdict(job, Disposition.BAD, job.problem)
    if job.is_reported:
        return Verdict(job, Disposition.REPORTED, "the old system has reported it")
    if job.state is None:
        return Verdict(job, Disposition.UNFINISHED, "it was not finished: start it again")
    return Verdict(job, Disposition.QUEUED, "")
