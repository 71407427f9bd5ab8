"""Types of the commands' arguments: how the command line names and converts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from cyclopts import Parameter, Token, convert

from domain.delivery.outcome import Reason
from storage.delivery.reports import Selection

Json = Annotated[bool, Parameter(name="--json")]
DryRun = Annotated[bool, Parameter(name="--dry-run")]


def _given(kind: Any, tokens: Sequence[Token]) -> object:  # noqa: ANN401  # whatever an option takes
    """The given value. By default Cyclopts converts "none" to None, which would silently lift a filter."""
    return convert(kind, tokens)


GIVEN = Parameter(converter=_given)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class ReportFilter:
    """The options that select reports, which must all match.

    Args:
        repository: Only of this repository, as owner/name.
        reason: Only what was rejected for this reason.
        job_id: Only of the docs-job flow run with this id.
        since: Only what was recorded since then: a time, UTC unless it says otherwise, or a span such as 2h or 3d.
    """

    repository: str | None = None
    reason: Annotated[Reason | None, GIVEN] = None
    job_id: Annotated[UUID | None, GIVEN, Parameter(name="--job")] = None
    since: Annotated[timedelta | datetime | None, GIVEN] = None
    report_ids: Annotated[tuple[int, ...], Parameter(parse=False)] = ()

    def selection(self, now: datetime) -> Selection:
        """The selection at *now*: a span counts back from *now*, and a time without a zone is UTC."""
        since = now - self.since if isinstance(self.since, timedelta) else self.since
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        return Selection(self.report_ids, self.job_id, self.repository, self.reason, since)


EVERYTHING = ReportFilter()
