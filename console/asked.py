"""Which reports a person means, as the words of a command line say it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.delivery.outcome import Reason
from storage.delivery.reports import Selection


@dataclass(frozen=True, slots=True)
class Asked:
    """What was given; all of it must hold."""

    report_ids: tuple[int, ...] = ()
    job_id: UUID | None = None
    repository: str | None = None
    reason: Reason | None = None
    since: timedelta | datetime | None = None

    def selection(self, now: datetime) -> Selection:
        """What it means now: a span reaches back from *now*, and a time without a zone is UTC."""
        since = now - self.since if isinstance(self.since, timedelta) else self.since
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        return Selection(self.report_ids, self.job_id, self.repository, self.reason, since)
