"""Measures deliveries beside a bare httpx loop of the same requests.

Eight at once, against the stand-in in a process of its own that answers after 50 ms, then at once; on both databases.
The two alternate, so that they share the machine's moods. The figures are the rate divided by httpx's, the rate, and
the CPU milliseconds of this process for each delivery.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import httpx

from benchmarks.large_ledger import KINDS, ledgers
from domain.delivery.report import RecordedReport
from domain.delivery.target import Target
from domain.jobs.execution import Execution, Order
from domain.jobs.job_states import JobState
from domain.process.identity import Process
from fake_github.process import StandIn, running
from settings import Settings
from storage.delivery.due import count_undelivered
from storage.jobs import jobs
from storage.ledger import Ledger
from tasks.delivery.deliver import deliver
from tasks.delivery.open_reporter import open_reporter

T = TypeVar("T")

AT_ONCE, REPORTS, ROUNDS = 8, 200, 5
SHA, CREDENTIAL = "3f2a91c0" * 5, "env:REPORTBACK_GITHUB_TOKEN"


async def in_parallel(items: Iterable[T], work: Callable[[T], Awaitable[object]]) -> tuple[float, float]:
    """Do *work* for each of *items*, `AT_ONCE` at once; seconds and CPU seconds."""
    left = iter(items)

    async def share() -> None:
        for item in left:
            await work(item)

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(share() for _ in range(AT_ONCE)))
    return time.perf_counter() - began, time.process_time() - cpu


async def recorded(ledger: Ledger, contexts: Iterable[str]) -> list[RecordedReport]:
    """The outcomes of jobs that have just ended, one for each of *contexts*, all due."""
    reports = []
    for context in contexts:
        target = Target("acme/site", SHA, context)
        order = Order(uuid4(), "sphinx", {}, None, target, "https://github.com/acme/site", CREDENTIAL)
        taken = await ledger.write(jobs.accept, order, by=Process("boot", os.getpid(), 1))
        assert isinstance(taken, Execution)
        await ledger.write(jobs.begin, taken.job_id, taken.number)
        ended = await ledger.write(
            jobs.end, taken.job_id, taken.number, JobState.SUCCEEDED, summary="41 pages", exit_code=0,
            credential=CREDENTIAL,
        )  # fmt: skip
        assert ended is not None and ended.report is not None
        reports.append(ended.report)
    return reports


async def bare(github: StandIn) -> tuple[float, float]:
    """The same requests without a ledger."""
    async with httpx.AsyncClient(base_url=github.url, headers={"Authorization": "Bearer token"}) as client:

        async def post(_: int) -> None:
            body = {"state": "success", "context": f"docs/{uuid4()}", "description": "41 pages"}
            (await client.post(f"/repos/acme/site/statuses/{SHA}", json=body)).raise_for_status()

        return await in_parallel(range(REPORTS), post)


async def compare(kind: str, folder: Path, latency: float) -> dict[str, float]:
    """The figures of alternating rounds, at GitHub's *latency* in seconds."""
    rounds: list[tuple[float, float, float, float]] = []
    async with running() as github, ledgers(kind, folder) as ledger:
        if latency:
            await github.fault("hang", seconds=latency, times=0)
        url = ledger.engine.url.render_as_string(hide_password=False)
        settings = Settings(database_url=url, github_api_url=github.url, write_budget="off")
        async with open_reporter(settings, "benchmark") as reporter:
            for _ in range(ROUNDS):
                reports = await recorded(reporter.ledger, [f"docs/{uuid4()}" for _ in range(REPORTS)])
                targets = [report.target_id for report in reports]
                delivered = await in_parallel(targets, partial(deliver, reporter, job_ends_now=True))
                rounds.append((*delivered, *await bare(github)))
        assert await ledger.read(count_undelivered) == 0
    took, cpu, bare_took, bare_cpu = (statistics.median(values) for values in zip(*rounds, strict=True))
    of = f"{latency * 1000:.0f}ms_{kind}"
    return {
        f"delivery_vs_httpx_{of}": statistics.median(one[2] / one[0] for one in rounds),
        f"deliveries_per_second_{of}": REPORTS / took,
        f"httpx_per_second_{of}": REPORTS / bare_took,
        f"cpu_ms_per_delivery_{of}": cpu / REPORTS * 1000,
        f"cpu_ms_per_httpx_request_{of}": bare_cpu / REPORTS * 1000,
    }


async def measure(folder: Path) -> dict[str, float]:
    """The figures of both databases."""
    figures: dict[str, float] = {}
    for kind in KINDS:
        for latency in (0.05, 0.0):
            place = folder / f"{kind}-{latency}"
            place.mkdir()
            figures |= await compare(kind, place, latency)
    return figures
