"""Finds jobs that ended without success, for a person who has them executed again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlmodel import col, func, select

from domain.delivery.target import Target
from domain.jobs.job_states import JobState
from storage.models import Job, StatusTarget
from storage.transaction import Transaction

UNSUCCESSFUL = tuple(state for state in JobState if state.is_over and state is not JobState.SUCCEEDED)
"""States of jobs that a Retry of their flow run executes again."""


@dataclass(frozen=True, slots=True)
class JobSelection:
    """Which jobs a person selects: all given conditions must hold."""

    job_ids: Collection[UUID] = ()
    states: Collection[JobState] = ()
    type: str | None = None
    repository: str | None = None
    machine: str | None = None  # what the boot id of its machine begins with
    since: datetime | None = None  # ended then or later
    until: datetime | None = None  # ended then or earlier


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A job that ended without success. `is_latest`: no later one was accepted for its commit and context."""

    id: UUID  # of its flow run
    type: str
    target: Target | None
    state: JobState
    ended_at: datetime
    machine: str
    is_latest: bool


def ended_jobs(tx: Transaction, selection: JobSelection) -> Sequence[EndedJob]:
    """The selected jobs that ended without success, in the order in which they were accepted."""
    found = (
        select(Job, StatusTarget)
        .outerjoin(StatusTarget, col(StatusTarget.id) == col(Job.target_id))
        .where(col(Job.ended_at).is_not(None), *_conditions(selection))
        .order_by(col(Job.number))
    )
    return [_ended(job, target) for job, target in tx.session.exec(found)]


def _conditions(selection: JobSelection) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = [col(Job.state).in_(selection.states or UNSUCCESSFUL)]
    if selection.job_ids:
        asked.append(col(Job.id).in_(selection.job_ids))
    if selection.type is not None:
        asked.append(col(Job.type) == selection.type)
    if selection.repository is not None:
        asked.append(func.lower(col(StatusTarget.repository)) == selection.repository.lower())
    if selection.machine is not None:
        asked.append(col(Job.host).startswith(selection.machine, autoescape=True))
    if selection.since is not None:
        asked.append(col(Job.ended_at) >= selection.since)
    if selection.until is not None:
        asked.append(col(Job.ended_at) <= selection.until)
    return asked


def _ended(job: Job, target: StatusTarget | None) -> EndedJob:
    assert job.ended_at is not None  # selected by it
    about = Target(target.repository, target.sha, target.context) if target else None
    is_latest = target is None or job.turn == target.turns
    return EndedJob(job.id, job.type, about, job.state, job.ended_at, job.host or "", is_latest)
