"""Selects reports by the options of a command line."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.delivery.outcome import Reason
from storage.delivery.reports import Selection


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """The given options, which must all match."""

    report_ids: tuple[int, ...] = ()
    job_id: UUID | None = None
    repository: str | None = None
    reason: Reason | None = None
    since: timedelta | datetime | None = None

    def selection(self, now: datetime) -> Selection:
        """The selection at *now*: a span counts back from *now*, and a time without a zone is UTC."""
        since = now - self.since if isinstance(self.since, timedelta) else self.since
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        return Selection(self.report_ids, self.job_id, self.repository, self.reason, since)
