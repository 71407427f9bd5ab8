"""What an operator wants to know of all reports at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.delivery.report import Phase
from domain.delivery.target import StatusState, Target
from domain.operations.history import Blockers

SLOT = timedelta(minutes=30)
SLOTS = 48
"""A day."""


@dataclass(frozen=True, slots=True)
class OpenReport:
    """A report that speaks for its target and is not on GitHub."""

    id: int
    job_id: UUID  # of its flow run, too
    target: Target
    state: StatusState
    phase: Phase  # due, sending or rejected
    recorded_at: datetime
    blockers: Blockers
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Refusals:
    """What was rejected for one reason: how many, and the oldest of them."""

    reason: str
    count: int
    oldest: tuple[OpenReport, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """A credential whose pause no answer of GitHub has ended yet."""

    credential: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of the day, `SLOT` long. None: no pass came to its end, or no outcome of that time is on GitHub."""

    undelivered: int | None = None  # the most that a pass has left
    median: timedelta | None = None  # from a job's end until its outcome was on GitHub, of those that ended here
    worst: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """The last day: `SLOTS` parts that end with the one in which it is now."""

    since: datetime
    outcomes: Mapping[Phase, int]  # that were recorded in it, by what they are now
    requests: int  # that may have left for GitHub
    slots: tuple[Slot, ...]
    median: timedelta | None = None
    worst: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it, of one moment. `oldest`: the undelivered reports that were recorded first, rejected ones not among."""

    at: datetime
    undelivered: int
    oldest: tuple[OpenReport, ...]
    rejected: tuple[Refusals, ...]
    pauses: tuple[Pause, ...]
    day: Day


def day_before(now: datetime) -> datetime:
    """When the first of the `SLOTS` began of which the last is now's. They begin on the hour and half past."""
    began = now.replace(minute=now.minute - now.minute % (SLOT.seconds // 60), second=0, microsecond=0)
    return began - (SLOTS - 1) * SLOT
