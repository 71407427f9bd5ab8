"""Shows on a job's page what is found after its flow run's end: that its outcome is overridden, or covered."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterType
from prefect.client.schemas.sorting import ArtifactSort

from domain.delivery.notifications import Move, Notification, Publish
from domain.delivery.report import EventKind
from domain.jobs.execution import Siblings
from domain.operations.job_history import override_words

TIMEOUT = timedelta(seconds=10)
"""How long Prefect may take for all pages of a reconciliation run."""

REMEDY = "Their options differ: name such options in the context of the job type."


@dataclass
class Overrides:
    """Passes notifications on to `onward`, and remembers those of overridden reports."""

    onward: Publish
    _found: list[Move] = field(default_factory=list)

    def publish(self, notification: Notification) -> None:
        """Take a notification from the ledger."""
        self.onward(notification)
        if isinstance(notification, Move) and notification.kind is EventKind.OVERRIDDEN:
            self._found.append(notification)

    async def show(self) -> None:
        """Put what was found first on the pages of its jobs. Raises Prefect's errors: call it with `best_effort`."""
        if self._found:
            async with asyncio.timeout(TIMEOUT.total_seconds()), get_client() as client:
                for move in self._found:
                    await _prepend(client, move.report.job_id, override_words(move.at, move.note or ""))


async def show_covered(job_id: UUID, siblings: Siblings) -> None:
    """Put first on the pages of jobs with other options that one covers the other. Raises Prefect's errors."""
    async with asyncio.timeout(TIMEOUT.total_seconds()), get_client() as client:
        if siblings.before:
            await _prepend(client, siblings.before.job_id, f"Its outcome is covered by that of job {job_id}. {REMEDY}")
        if siblings.after:
            await _prepend(client, siblings.after.job_id, f"Its outcome covers that of job {job_id}. {REMEDY}")


async def _prepend(client: PrefectClient, job_id: UUID, words: str) -> None:
    """Prepend to the page as it is: it alone has the end of the output. A Retry of the flow run rewrites it."""
    its = ArtifactFilterFlowRunId(any_=[job_id])
    pages = ArtifactFilter(flow_run_id=its, type=ArtifactFilterType(any_=["markdown"]))
    for page in await client.read_artifacts(artifact_filter=pages, sort=ArtifactSort.CREATED_DESC, limit=1):
        text = f"**{words}**\n\n{page.data}"
        await client.update_artifact(page.id, ArtifactUpdate(data=text))
