"""Job executions: a flow run's order, and the ledger's answers to accepting and ending it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.delivery.report import RecordedReport
from domain.delivery.surface import SurfaceName
from domain.delivery.target import Target
from domain.jobs.job_states import JobState
from domain.text import one_line


class ConflictingJob(ValueError):
    """A flow run that is already a job asks for another type or target."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a flow run asks for. `url` is the link of its statuses; target and url are both given or both None.

    `start` counts the starts of the flow run, as Prefect does. An execution's number is not lower, so that it never
    reuses the number, and thereby the markers on GitHub, of an execution that the ledger no longer holds: pruned, or
    recorded after the backup that was restored. `surface`: what its reports are shown as.
    """

    flow_run_id: UUID
    type: str
    options: Mapping[str, Any]
    exclusive_group: str | None
    target: Target | None
    url: str | None
    credential: str
    start: int = 1
    surface: SurfaceName = SurfaceName.STATUS


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
class Sibling:
    """A job of the same type, commit and context. `differing`: its options that differ; None: it has no such option."""

    job_id: UUID
    state: JobState
    differing: Mapping[str, Any]

    def __str__(self) -> str:
        given = ", ".join(
            f"{name}={value}" if value is not None else f"no {name}" for name, value in self.differing.items()
        )
        return f"job {self.job_id} ({one_line(given)[:200]}), {self.state.value.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Siblings:
    """The jobs that a job covers on its commit, and is covered by, although their options are others."""

    before: Sibling | None = None
    after: Sibling | None = None

    @property
    def words(self) -> str:
        """Which outcome covers which, and what to do; empty if none does."""
        said = []
        if self.before and self.before.state.is_over:
            said.append(f"covers the outcome of {self.before}")
        if self.after:
            said.append(f"is covered by {self.after}")
        return f"{' and '.join(said)}: name such options in the context of the job type" if said else ""


NO_SIBLINGS = Siblings()


@dataclass(frozen=True, slots=True)
class EndStored:
    """The end of the execution is stored. `report`: its outcome's, or None without a target."""

    report: RecordedReport | None
    siblings: Siblings = NO_SIBLINGS


@dataclass(frozen=True, slots=True)
class CarriedOutElsewhere:
    """Another process executes this job; its last heartbeat was at `beat_at`."""

    beat_at: datetime
