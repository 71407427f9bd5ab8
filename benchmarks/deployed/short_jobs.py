"""Measures how long a job that ends at once takes, from its start in Prefect to its outcome on GitHub.

One at a time: with a worker that asks for work every 10 s, the default, every 2 s, and with the process of
`reportback up`, which serves the deployment and asks every second.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from benchmarks.deployed.installation import installation, one_page, settings_of
from fake_github.process import StandIn, running
from local import stack
from local.prefect_api import prefect_api

JOBS = 5
APART = 10.0
"""Seconds of the longest pause between two jobs: they come at any moment of a worker's interval."""


async def measure(folder: Path) -> dict[str, float]:
    """The figures."""
    figures = dict[str, float]()
    async with installation(folder) as installed:
        for seconds in ("10", "2"):
            async with installed.worker(PREFECT_WORKER_QUERY_SECONDS=seconds):
                first = len(figures) * JOBS
                figures[f"short_job_seconds_worker_{seconds}s"] = await _median(
                    installed.github, installed.submit, first
                )
    served = folder / "served"
    await asyncio.to_thread(served.mkdir)
    return {**figures, "short_job_seconds_served": await _served(served)}


async def _served(folder: Path) -> float:
    url, sha = await asyncio.to_thread(one_page, folder / "page")
    async with AsyncExitStack() as up:
        github = await up.enter_async_context(running())
        local = await up.enter_async_context(stack.running(folder / "prefect", settings_of(folder, github, url)))
        prefect = await up.enter_async_context(prefect_api(local.api_url))

        async def submit(number: int) -> str:
            target = {"repository": "acme/site", "sha": sha, "context": f"docs/{number}"}
            return await prefect.start("docs-job/docs-job", {"job": "short", "target": target})

        return await _median(github, submit, 0)


async def _median(github: StandIn, submit: Callable[[int], Awaitable[str]], first: int) -> float:
    """Median of the seconds of `JOBS` jobs, one after another, with pauses between them."""
    moments, took = random.Random(21), []  # noqa: S311  # not for secrets; the same pauses each time
    for number in range(first, first + JOBS):
        await asyncio.sleep(moments.uniform(0, APART))
        began = time.perf_counter()
        await submit(number)
        while not any(_is_success(status, number) for status in await github.statuses()):  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.05)
        took.append(time.perf_counter() - began)
    return median(took)


def _is_success(status: dict[str, object], number: int) -> bool:
    return status["context"] == f"docs/{number}" and status["state"] == "success"
