"""Shows on a job's page that another status overrides its report, as verification finds after the flow run's end."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterType
from prefect.client.schemas.sorting import ArtifactSort

from domain.delivery.notifications import Move, Notification, Publish
from domain.delivery.report import EventKind
from domain.operations.job_history import override_words

TIMEOUT = timedelta(seconds=10)
"""How long Prefect may take for all pages of a reconciliation run."""


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
                    await _prepend(client, move)


async def _prepend(client: PrefectClient, move: Move) -> None:
    """Prepend to the page as it is: it alone has the end of the output. A Retry of the flow run rewrites it."""
    its = ArtifactFilterFlowRunId(any_=[move.report.job_id])
    pages = ArtifactFilter(flow_run_id=its, type=ArtifactFilterType(any_=["markdown"]))
    for page in await client.read_artifacts(artifact_filter=pages, sort=ArtifactSort.CREATED_DESC, limit=1):
        text = f"**{override_words(move.at, move.note or '')}**\n\n{page.data}"
        await client.update_artifact(page.id, ArtifactUpdate(data=text))
