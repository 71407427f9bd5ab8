"""Shows a job's progress as a Prefect artifact, updated at most once a second and at the end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import httpx
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.exceptions import PrefectException

from domain.output.progress import Progress, ShowProgress
from tasks.operations.best_effort import updating

logger = logging.getLogger("reportback.operations")

EVERY = timedelta(seconds=1)
LAST = timedelta(seconds=5)
"""How long showing the last progress may delay what follows the job's end."""

NOT_SHOWN = "no progress can be shown"


@asynccontextmanager
async def progress_bar(title: str) -> AsyncIterator[ShowProgress]:
    """A function that takes each progress value, however often. The bar appears with the first.

    At the end it shows the last. If Prefect does not answer, that is logged once, and tried again.
    """
    bar = _Bar(title)
    async with updating(bar.draw, bar.wanted, NOT_SHOWN, longest=LAST, every=EVERY):
        yield bar.show


@dataclass
class _Bar:
    """The artifact, and the progress to show."""

    _title: str
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _artifact: UUID | None = None
    _latest: Progress | None = None
    _drawn: Progress | None = None
    _has_warned: bool = False

    def show(self, progress: Progress) -> None:
        self._latest = progress
        self.wanted.set()

    async def draw(self) -> None:
        latest = self._latest
        if latest is None or latest == self._drawn:
            return
        try:
            if self._artifact is None:
                self._artifact = await acreate_progress_artifact(latest.percent, description=self._title)
            else:
                await aupdate_progress_artifact(self._artifact, latest.percent)
        except (httpx.HTTPError, PrefectException) as error:
            if not self._has_warned:
                logger.warning("%s: %s", NOT_SHOWN, type(error).__name__)
            self._has_warned = True
            self.wanted.set()
        else:
            self._drawn = latest
