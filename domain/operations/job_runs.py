"""Flow runs of docs jobs as Prefect's server shows them: which wait, which are late, which are dead and never started.

Times are by the clock of Prefect's server.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.delivery.target import Target

LATE_AFTER = timedelta(minutes=1)
"""A worker asks for work every 10 s: a flow run that none has taken for so long is late."""

NO_HEARTBEAT = timedelta(seconds=90)
"""Workers send a heartbeat every 30 s; one that has missed three is dead, and its flow runs with it."""

LONGEST_START = timedelta(minutes=10)
"""Within this, a flow run that starts has its job in the ledger, or has given up waiting for the ledger."""


class Standing(StrEnum):
    """What a flow run that has not ended is doing."""

    WAITING = "waiting"  # scheduled: its time has not come, or a worker is about to take it
    LATE = "late"  # scheduled, and no worker has taken it for a minute
    STARTING = "starting"  # a worker took it; its job is not accepted yet
    RUNNING = "running"  # its job is in the ledger


@dataclass(frozen=True, slots=True)
class JobRun:
    """A flow run. `state` is Prefect's type, such as "PENDING", and `state_at` when it took that state.

    `asked_at`: when it was created or, if later, was to start first. `worker`: the name of the worker that took it;
    None: not known. `is_attended`: that worker, or where it is not known any worker of the pool, has sent a heartbeat
    within `NO_HEARTBEAT`; None: there is no pool. `start` counts how often it was started. `due_at`: when it is to
    start, if it is scheduled.
    """

    id: UUID
    name: str
    state: str
    state_name: str
    state_at: datetime
    asked_at: datetime
    parameters: Mapping[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    start: int = 0
    due_at: datetime | None = None
    worker: str | None = None
    is_attended: bool | None = None


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How many flow runs have which standing at `at`, and since when the oldest late one is late; by Prefect."""

    at: datetime
    counts: Mapping[Standing, int]
    late_since: datetime | None = None


def standing(run: JobRun, now: datetime, *, is_accepted: bool) -> Standing:
    """The standing of a flow run that has not ended."""
    if run.state == "SCHEDULED":
        return Standing.LATE if now - (run.due_at or run.state_at) > LATE_AFTER else Standing.WAITING
    return Standing.RUNNING if is_accepted else Standing.STARTING


def why_dead(run: JobRun, now: datetime) -> str | None:
    """Why a flow run whose job is not in the ledger will not start, for its commit. None: it may still start."""
    since = now - run.state_at
    match run.state:
        case "FAILED":
            return "its flow run failed before the job was accepted"
        case "CRASHED":
            return "its process died before the job was accepted"
        case "PENDING" | "RUNNING" if run.is_attended is False and since > NO_HEARTBEAT:
            return "its worker died before the job was accepted"
        case "PENDING" | "RUNNING" if since > LONGEST_START:
            return "its job was not accepted within 10 minutes"
        case _:
            return None


@dataclass(frozen=True, slots=True)
class LostRun:
    """A job that never started: its flow run was asked for at `asked_at`, found dead at `ended_at`; by the ledger."""

    id: UUID
    job_type: str
    target: Target | None
    asked_at: datetime
    ended_at: datetime
    words: str
