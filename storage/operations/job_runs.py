"""Stores what a reconciliation run has read of Prefect's flow runs, for metrics and pages; lists what never started."""

from collections.abc import Mapping
from datetime import timedelta

from sqlmodel import col, func, select

from domain.delivery.target import Target
from domain.operations.job_runs import LostRun, RunCounts, Standing
from storage import counters
from storage.counters import Key
from storage.jobs.never_started import IS_NEVER_STARTED
from storage.models import Job, StatusTarget
from storage.transaction import Transaction

NAME = "job_runs"
AT: Key = (NAME, "at", "")
LATE_SINCE: Key = (NAME, "late_since", "")

DAY = timedelta(days=1)


def save_counts(tx: Transaction, seen: RunCounts) -> None:
    """Replace the stored counts."""
    marks = {(NAME, standing.value, ""): seen.counts.get(standing, 0) for standing in Standing}
    counters.put(tx, {**marks, AT: counters.mark_of(seen.at), LATE_SINCE: counters.mark_of(seen.late_since)})


def counts_in(found: Mapping[Key, int]) -> RunCounts | None:
    """The counts among all counters. None: Prefect has not been read yet."""
    at = counters.moment_of(found.get(AT, 0))
    counts = {standing: found.get((NAME, standing.value, ""), 0) for standing in Standing}
    return RunCounts(at, counts, counters.moment_of(found.get(LATE_SINCE, 0))) if at else None


def never_started(tx: Transaction, *, limit: int) -> list[LostRun]:
    """Jobs of the last day that never started, the newest first."""
    found = (
        select(Job, StatusTarget)
        .outerjoin(StatusTarget, col(StatusTarget.id) == col(Job.target_id))
        .where(IS_NEVER_STARTED, col(Job.ended_at) > tx.now - DAY)
        .order_by(col(Job.ended_at).desc(), col(Job.number).desc())
        .limit(limit)
    )
    return [_lost(*row) for row in tx.session.exec(found)]


def count_never_started(tx: Transaction) -> int:
    """How many jobs of the last day never started."""
    return tx.session.exec(
        select(func.count()).select_from(Job).where(IS_NEVER_STARTED, col(Job.ended_at) > tx.now - DAY)
    ).one()


def _lost(job: Job, target: StatusTarget | None) -> LostRun:
    assert job.ended_at is not None  # by this it was found
    of = Target(target.repository, target.sha, target.context) if target else None
    return LostRun(job.id, job.type, of, job.beat_at, job.ended_at, job.summary or "")
