"""Types of the commands' arguments: how the command line names and converts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from cyclopts import Parameter, Token, convert
from cyclopts.validators import Number

from domain.delivery.outcome import Reason
from domain.delivery.target import StatusState
from domain.jobs.job_states import JobState
from storage.delivery.reports import Selection
from storage.operations.ended_jobs import JobSelection

Json = Annotated[bool, Parameter(name="--json")]
Sure = Annotated[bool, Parameter(name=("--yes", "-y"))]
DryRun = Annotated[bool, Parameter(name="--dry-run")]


def _given(kind: Any, tokens: Sequence[Token]) -> object:  # noqa: ANN401  # whatever an option takes
    """The given value. By default Cyclopts converts "none" to None, which would silently lift a filter."""
    return convert(kind, tokens)


GIVEN = Parameter(converter=_given)

REPOSITORY = Parameter(name=("--repo", "--repository"), metavar="OWNER/NAME")
Limit = Annotated[int, Parameter(validator=Number(gte=1), metavar="NUMBER")]
Options = Annotated[tuple[str, ...], Parameter(name=("--option", "-o"), metavar="NAME=VALUE")]
Folder = Annotated[Path, Parameter(metavar="FOLDER")]
Moment = Annotated[timedelta | datetime | None, GIVEN, Parameter(metavar="TIME")]
"""A time, or a span that counts back from now."""


def _at(moment: timedelta | datetime | None, now: datetime) -> datetime | None:
    """The time that *moment* means at *now*: without a zone it is UTC."""
    at = now - moment if isinstance(moment, timedelta) else moment
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class ReportFilter:
    """The options that select reports, which must all match.

    Args:
        repository: Only of this repository, as owner/name.
        reason: Only what was rejected for this reason.
        job_id: Only of the docs-job flow run with this id.
        since: Only what was recorded since then: a time, UTC unless it says otherwise, or a span such as 2h or 3d.
        until: Only what was recorded until then: the same.
        state: Only reports of this state.
    """

    repository: Annotated[str | None, REPOSITORY] = None
    reason: Annotated[Reason | None, GIVEN] = None
    job_id: Annotated[UUID | None, GIVEN, Parameter(name="--job", metavar="ID")] = None
    since: Moment = None
    until: Moment = None
    state: Annotated[StatusState | None, GIVEN] = None
    report_ids: Annotated[tuple[int, ...], Parameter(parse=False)] = ()

    def selection(self, now: datetime) -> Selection:
        """The selection at *now*: a span counts back from *now*, and a time without a zone is UTC."""
        since, until = _at(self.since, now), _at(self.until, now)
        return Selection(self.report_ids, self.job_id, self.repository, self.reason, since, until, self.state)


EVERYTHING = ReportFilter()


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class JobFilter:
    """The options that select jobs which ended without success. They must all match.

    Args:
        state: Only jobs that ended so; repeat it for several.
        job_type: Only of this job type.
        repository: Only of this repository, as owner/name.
        machine: Only those of the machine whose boot id begins so, as --dry-run lists it.
        since: Only what ended since then: a time, UTC unless it says otherwise, or a span such as 2h or 3d.
        until: Only what ended until then: the same.
    """

    state: Annotated[tuple[JobState, ...], GIVEN] = ()
    job_type: Annotated[str | None, GIVEN, Parameter(name="--type", metavar="TYPE")] = None
    repository: Annotated[str | None, REPOSITORY] = None
    machine: Annotated[str | None, GIVEN, Parameter(metavar="BOOT-ID")] = None
    since: Moment = None
    until: Moment = None
    job_ids: Annotated[tuple[UUID, ...], Parameter(parse=False)] = ()

    def selection(self, now: datetime) -> JobSelection:
        """The selection at *now*: see `ReportFilter.selection`."""
        since, until = _at(self.since, now), _at(self.until, now)
        return JobSelection(self.job_ids, self.state, self.job_type, self.repository, self.machine, since, until)


EVERY_JOB = JobFilter()
