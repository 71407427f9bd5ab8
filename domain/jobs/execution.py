"""One start of a docs job: what is asked for, and what the ledger says to its being accepted or ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.delivery.target import Target


class ConflictingJob(ValueError):
    """A flow run that is already a job came back asking for something else."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a flow run asks for. `url` is where its statuses link to; target and url are both given or both None.

    `start` counts the starts of the flow run, as Prefect does. An execution is numbered no lower than that, so that it
    never takes the number, and with it the markers on GitHub, of one that the ledger forgot: pruned, or recorded after
    the backup that was put back.
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
    """One start of a job, ours to carry out. `report_id` is its `pending`, or None without a target."""

    job_id: UUID
    number: int
    report_id: int | None


@dataclass(frozen=True, slots=True)
class Done:
    """The job has succeeded before: nothing is executed again. `report_id` is its outcome's, or None."""

    report_id: int | None


@dataclass(frozen=True, slots=True)
class EndStored:
    """The execution has ended. `report_id` is its outcome's, or None without a target."""

    report_id: int | None


@dataclass(frozen=True, slots=True)
class CarriedOutElsewhere:
    """Another process carries out this job; it gave its last sign of life at `beat_at`."""

    beat_at: datetime
