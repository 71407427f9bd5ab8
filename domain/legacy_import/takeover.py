"""Which jobs of the system before this one still owe their commit a report: of each target the newest, if any."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.legacy_import.old_jobs import OldJob


class Disposition(StrEnum):
    """What becomes of an old job."""

    QUEUED = "queued"  # its outcome is an undelivered report
    KNOWN = "known"  # it was imported before
    NEWER = "newer"  # something newer speaks for its target
    UNFINISHED = "unfinished"  # it has no outcome
    REPORTED = "reported"  # the old system reported it
    NO_TARGET = "no_target"  # it reports nowhere
    BAD = "bad"  # a field, a file, or the settings must be put right first


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of *job*, and why."""

    job: OldJob
    what: Disposition
    why: str


def chosen(jobs: Iterable[OldJob]) -> list[Verdict]:
    """What becomes of each, as far as the files tell; `QUEUED` for what is to be taken over.

    One clock wrote all their times, that of the old system, so that these order them.
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
    """Of two copies of one job, the later tells more."""
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
