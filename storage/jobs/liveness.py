"""Finds executions that have not ended, and ends as lost those whose process is gone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from domain.delivery.notifications import Lost
from domain.jobs.job_states import JobState
from domain.process.identity import Process
from storage import after_commit
from storage.jobs import jobs
from storage.jobs.jobs import process_of
from storage.models import Job, StatusTarget
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class AtWork:
    """An execution that has not ended. `credential` is its target's, empty without one."""

    job_id: UUID
    execution: int
    beat_at: datetime
    process: Process
    credential: str


@dataclass(frozen=True, slots=True)
class Over:
    """A job that has ended, with its process."""

    job_id: UUID
    state: JobState
    ended_at: datetime
    process: Process


def at_work(tx: Transaction, *, job_id: UUID | None = None) -> list[AtWork]:
    """The executions that have not ended, of all jobs or of one, the oldest heartbeat first."""
    found = (
        select(Job, StatusTarget.credential)
        .outerjoin(StatusTarget, col(StatusTarget.id) == col(Job.target_id))
        .where(col(Job.ended_at).is_(None))
        .order_by(col(Job.beat_at))
    )
    if job_id is not None:
        found = found.where(col(Job.id) == job_id)
    return [
        AtWork(job.id, job.execution, job.beat_at, process_of(job), credential or "")
        for job, credential in tx.session.exec(found)
    ]


def lose(tx: Transaction, one: AtWork, words: str) -> bool:
    """End *one* as lost, with *words* on its commit. False: it sent a heartbeat or ended meanwhile; nothing changed."""
    ended = jobs.end(
        tx, one.job_id, one.execution, JobState.LOST, last_beat_at=one.beat_at, summary=words, exit_code=None,
        credential=one.credential,
    )  # fmt: skip
    if ended is None:
        return False
    after_commit.add(tx, Lost(one.job_id, one.execution, words))
    return True


def over(tx: Transaction, job_ids: Sequence[UUID]) -> list[Over]:
    """Those of the jobs that this ledger holds and that have ended."""
    found = tx.session.exec(select(Job).where(col(Job.id).in_(job_ids), col(Job.ended_at).is_not(None)))
    return [Over(job.id, job.state, job.ended_at, process_of(job)) for job in found if job.ended_at]


def known(tx: Transaction, job_ids: Sequence[UUID]) -> set[UUID]:
    """Those of the jobs that this ledger holds: accepted, and not pruned."""
    return set(tx.session.exec(select(Job.id).where(col(Job.id).in_(job_ids))))
