"""Job executions: a flow run's order, and the ledger's answers to accepting and ending it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.delivery.report import RecordedReport
from domain.delivery.target import Target


class ConflictingJob(ValueError):
    """A flow run that is already a job asks for another type or target."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a flow run asks for. `url` is the link of its statuses; target and url are both given or both None.

    `start` counts the starts of the flow run, as Prefect does. An execution's number is not lower, so that it never
    reuses the number, and thereby the markers on GitHub, of an execution that the ledger no longer holds: pruned, or
    recorded after the backup that was restored.
    """

    flow_run_id: UUID
    type: str
    options: Mapping[str, Any]
    exclusive_group: str | None
    target: Target | None
    url: str | None
    credential: str
    start: int = 1


@dataclass(frozen=True, slots=True)
class Execution:
    """One start of a job, owned by this process. `report`: its `pending`, or None without a target."""

    job_id: UUID
    number: int
    report: RecordedReport | None


@dataclass(frozen=True, slots=True)
class Done:
    """The job has succeeded before and is not executed again. `report`: its outcome's, or None without a target."""

    report: RecordedReport | None


@dataclass(frozen=True, slots=True)
class EndStored:
    """The end of the execution is stored. `report`: its outcome's, or None without a target."""

    report: RecordedReport | None


@dataclass(frozen=True, slots=True)
class CarriedOutElsewhere:
    """Another process executes this job; its last heartbeat was at `beat_at`."""

    beat_at: datetime
