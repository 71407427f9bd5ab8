"""Updates a job's page in Prefect's UI, an artifact: best effort, never fails or delays a job."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from prefect import get_client
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.runtime import flow_run

from domain.jobs.execution import Order
from domain.jobs.run_names import name_of
from domain.operations.job_page import TAIL, page
from domain.output.findings import Finding
from settings import Settings
from storage.ledger import Ledger
from storage.operations import job_history
from storage.transaction import timed
from tasks.jobs.accept import commit_page, own_page
from tasks.operations.best_effort import updating

FINAL_UPDATE_TIMEOUT = timedelta(seconds=10)
"""How long the end of a flow run waits for its page."""

EVERY = timedelta(seconds=1)
"""A job that ends sooner has its page made once, at its end."""


@asynccontextmanager
async def job_page(order: Order, settings: Settings, ledger: Ledger) -> AsyncIterator["JobPage"]:
    """Keep the flow run's page up to date while the block runs, at most every `EVERY`.

    Never delays the block, but its end for up to `FINAL_UPDATE_TIMEOUT`. Errors of Prefect or the ledger are logged.
    """
    kept = JobPage(order, settings, ledger)
    late, longest = "the job's page is not up to date", FINAL_UPDATE_TIMEOUT
    async with updating(kept.update, kept.wanted, late, longest=longest, every=EVERY):
        yield kept


@dataclass
class JobPage:
    """A job's page, read from the ledger each time; only the end of the output comes from this process.

    `note` is the page's first paragraph; `findings` is what the command said of places in files.
    """

    _order: Order
    _settings: Settings
    _ledger: Ledger
    note: str = ""
    findings: Sequence[Finding] = ()
    _tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL))
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _artifact: UUID | None = None

    def on_line(self, line: str) -> None:
        """Take a line of the command's output, already made public."""
        self._tail.append(line)

    def on_prepared(self) -> None:
        """Forget the output of the preparations, which have succeeded: the page is for the command's."""
        self._tail.clear()

    def refresh(self) -> None:
        """Request an update of the page."""
        self.wanted.set()

    async def update(self) -> None:
        """Bring the page up to date."""
        text = await self._text()
        if text is not None and self._artifact is not None:
            async with get_client() as client:
                await client.update_artifact(self._artifact, ArtifactUpdate(data=text))
        elif text is not None:
            called = name_of(self._order.type, self._order.target)
            # Without a key it stands on its flow run's page alone: Artifacts lists the keys, the operator's page first.
            self._artifact = await acreate_markdown_artifact(text, description=called)

    async def _text(self) -> str | None:
        found, now = await self._ledger.read(timed, job_history.of_job, self._order.flow_run_id)
        if found is None:
            return None
        commit_url = commit_page(str(self._settings.github_api_url), found.target) if found.target else None
        return page(
            found,
            at=now,
            tail=tuple(self._tail),
            note=self.note,
            findings=self.findings,
            commit_url=commit_url,
            flow_run_url=own_page(flow_run.ui_url),
        )
