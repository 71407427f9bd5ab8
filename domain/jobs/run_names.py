"""Names and tags of flow runs in Prefect's UI."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.delivery.target import Target

SHORT_SHA = 7
MOST_TAG = 200
MOST_REPORTS = 5
"""How many reports a name lists."""


def name_of(job_type: str, target: Target | None) -> str:
    """The name of a flow run, such as "sphinx 3f2a91c acme/site"; without a target, its job type."""
    return f"{job_type} {target.sha[:SHORT_SHA]} {target.repository}" if target else job_type


def tags_of(job_type: str, target: Target | None) -> list[str]:
    """Tags to filter flow runs by; each has a prefix, since a context may look like a repository."""
    tags = [f"job:{job_type}"]
    if target is not None:
        tags += [f"repository:{target.repository}", f"context:{target.context}"]
    return [tag[:MOST_TAG] for tag in tags]


def name_of_retry(
    reports: Sequence[int], job: UUID | None, repository: str | None, reason: str | None, since: datetime | None
) -> str:
    """The name of a retry of reports, from its selection, such as "retry archived, acme/site"."""
    listed = " ".join(map(str, reports[:MOST_REPORTS])) + (" …" if len(reports) > MOST_REPORTS else "")
    chosen = (
        f"reports {listed}" if reports else "",
        f"job {job}" if job else "",
        reason or "",
        repository or "",
        f"since {since:%Y-%m-%d %H:%M}" if since else "",
    )
    return f"retry {', '.join(filter(None, chosen)) or 'nothing'}"
