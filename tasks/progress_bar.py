"""A job's progress as a Prefect artifact: one bar, updated at most once a second, never in the way of the output."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
from prefect import get_run_logger
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.exceptions import PrefectException

from domain.progress import Progress, ShowProgress

EVERY = timedelta(seconds=1)


@asynccontextmanager
async def progress_bar(title: str) -> AsyncIterator[ShowProgress]:
    """A function that takes each progress, as often as there is one. The bar appears with the first."""
    seen: list[Progress] = []

    def show(progress: Progress) -> None:
        seen[:] = [progress]

    drawing = asyncio.create_task(_draw(title, seen))
    try:
        yield show
    finally:
        drawing.cancel()
        await asyncio.wait({drawing})


async def _draw(title: str, seen: list[Progress]) -> None:
    artifact, drawn = None, None
    while True:
        await asyncio.sleep(EVERY.total_seconds())
        latest = seen[-1] if seen else None
        if latest is None or latest == drawn:
            continue
        try:
            if artifact is None:
                artifact = await acreate_progress_artifact(latest.percent, description=title)
            else:
                await aupdate_progress_artifact(artifact, latest.percent)
        except (httpx.HTTPError, PrefectException) as error:
            get_run_logger().warning("no progress can be shown: %s", type(error).__name__)
            return
        drawn = latest
