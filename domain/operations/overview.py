"""The overview of all reports that the status page shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.delivery.report import Phase
from domain.delivery.target import StatusState, Target
from domain.operations.job_history import Blockers
from domain.operations.job_runs import RunCounts
from domain.operations.metrics import Pause

SLOT = timedelta(minutes=30)
SLOTS = 48
"""A day."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A report as operators see it in lists. `last_error` and `blockers` only if it is undelivered or rejected."""

    id: int
    job_id: UUID  # equals the id of its flow run
    target: Target
    state: StatusState
    phase: Phase
    recorded_at: datetime
    blockers: Blockers
    last_error: str | None
    execution: int = 1
    delivered_at: datetime | None = None
    status_id: int | None = None
    credential: str | None = None
    rejection: str | None = None


@dataclass(frozen=True, slots=True)
class Refusals:
    """Reports rejected for one reason: how many, and the oldest of them."""

    reason: str
    count: int
    oldest: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of the day, `SLOT` long. None: no run ended in it, or no outcome of that time is on GitHub."""

    undelivered: int | None = None  # the largest backlog that a run left
    median: timedelta | None = None  # from a job's end until its outcome was on GitHub, of jobs that ended in the slot
    worst: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """The last day: `SLOTS` parts, of which the last contains the present time."""

    since: datetime
    outcomes: Mapping[Phase, int]  # recorded in the day, by their phase now
    requests: int  # that may have been sent to GitHub
    slots: tuple[Slot, ...]
    median: timedelta | None = None
    worst: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The overview at one moment. `oldest`: the undelivered reports recorded first, without rejected ones."""

    at: datetime
    undelivered: int
    oldest: tuple[Listed, ...]
    rejected: tuple[Refusals, ...]
    pauses: tuple[Pause, ...]
    day: Day
    runs: RunCounts | None = None  # None: no reconciliation run has asked Prefect yet
    never_started: int = 0  # in the last day


def day_before(now: datetime) -> datetime:
    """When the first of the `SLOTS` began if the last contains *now*. Slots begin on the hour and half past."""
    began = now.replace(minute=now.minute - now.minute % (SLOT.seconds // 60), second=0, microsecond=0)
    return began - (SLOTS - 1) * SLOT
