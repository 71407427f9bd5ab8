"""Shows a job's progress as a Prefect artifact, updated at most once a second and at the end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.exceptions import PrefectException

from domain.output.progress import Progress, ShowProgress

logger = logging.getLogger("reportback.operations")

EVERY = timedelta(seconds=1)
LAST = timedelta(seconds=5)
"""How long showing the last progress may delay what follows the job's end."""


@asynccontextmanager
async def progress_bar(title: str) -> AsyncIterator[ShowProgress]:
    """A function that takes each progress value, however often. The bar appears with the first.

    At the end it shows the last. If Prefect does not answer, that is logged once, and tried again.
    """
    bar, over = _Bar(title), asyncio.Event()
    drawing = asyncio.create_task(_draw(bar, over))
    try:
        yield bar.show
    finally:
        over.set()
        await _in_time(drawing)
        if drawing.cancelled():  # by a signal that ended all tasks
            await _in_time(asyncio.create_task(bar.draw()))


async def _in_time(drawing: asyncio.Task[None]) -> None:
    await asyncio.wait({drawing}, timeout=LAST.total_seconds())
    drawing.cancel()
    await asyncio.wait({drawing})


async def _draw(bar: "_Bar", over: asyncio.Event) -> None:
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), EVERY.total_seconds())
        is_last = over.is_set()
        await bar.draw()
        if is_last:
            return


@dataclass
class _Bar:
    """The artifact, and the progress to show."""

    _title: str
    _artifact: UUID | None = None
    _latest: Progress | None = None
    _drawn: Progress | None = None
    _has_warned: bool = False

    def show(self, progress: Progress) -> None:
        self._latest = progress

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
                logger.warning("no progress can be shown: %s", type(error).__name__)
            self._has_warned = True
        else:
            self._drawn = latest
