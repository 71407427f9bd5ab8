"""Measures how long a backlog of one credential takes, in real time, beside the earliest that the write budget allows.

120 outcomes, at GitHub's 80 a minute, which the stand-in enforces, and a second between two of them: 119 s from the
first to the last. In one long reconciliation run, and in those of a Prefect server that starts one a minute, as
deployed, with the default `REPORTBACK_PASS_BUDGET` and with the longest. And how many requests are made while a limit
is in force.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from benchmarks.deliveries import recorded
from domain.delivery.budget import WriteBudget
from fake_github.process import StandIn, running
from local import stack
from settings import Settings
from storage.delivery.due import count_undelivered
from storage.ledger import Ledger, open_ledger
from tasks.delivery.open_reporter import open_reporter
from tasks.reconcile import reconcile

BACKLOG, PER_MINUTE = 120, "80"
LIMITED, LIMIT_AT, LIMIT = 20, 5, timedelta(seconds=10)
"""Outcomes, the one that is answered with a limit, and how long that lasts."""


async def measure(folder: Path) -> dict[str, float]:
    """The figures; those of backlogs at once, as they only wait."""
    limited = await _limited(folder)
    one, default, longest = [await _ledger(folder, name) for name in ("one", "default", "longest")]
    drains = await asyncio.gather(
        _one_run(one), _deployed(folder / "default", default, "50"), _deployed(folder / "longest", longest, "60")
    )
    names = ("drain_vs_optimum", "drain_passes_vs_optimum", "drain_longest_passes_vs_optimum")
    return {**dict(zip(names, drains, strict=True)), "requests_while_limited": limited}


async def _ledger(folder: Path, name: str) -> str:
    """The URL of a new ledger. They are made one after another: Alembic makes only one at a time in a process."""
    url = f"sqlite:///{folder / name}.db"
    async with open_ledger(url):
        return url


async def _one_run(url: str) -> float:
    async with running("--writes-per-minute", PER_MINUTE) as github:
        await _reconcile(url, github, BACKLOG)
        return _vs_optimum(await _posted(github))


async def _reconcile(url: str, github: StandIn, backlog: int) -> None:
    """Deliver a *backlog* in one reconciliation run."""
    settings = Settings(database_url=url, github_api_url=github.url)
    async with open_reporter(settings, "benchmark") as reporter:
        await _record(reporter.ledger, backlog)
        await reconcile(reporter, uuid4(), budget=timedelta(minutes=10), senders=settings.senders)
        assert await reporter.ledger.read(count_undelivered) == 0


async def _record(ledger: Ledger, backlog: int) -> None:
    await recorded(ledger, [f"docs/{number}" for number in range(backlog)])


async def _deployed(home: Path, url: str, budget: str) -> float:
    """The same by the schedule of a Prefect server, with *budget* as the seconds of a reconciliation run."""
    async with running("--writes-per-minute", PER_MINUTE) as github:
        settings = {
            **stack.stand_in_settings(url, github.url, "https://github.invalid/{repository}"),
            "REPORTBACK_PASS_BUDGET": budget,
        }
        async with stack.running(home, settings), open_ledger(url) as ledger:
            await _record(ledger, BACKLOG)
            while await ledger.read(count_undelivered):  # noqa: ASYNC110  # other processes deliver them
                await asyncio.sleep(1)
            return _vs_optimum(await _posted(github))


async def _posted(github: StandIn) -> list[datetime]:
    """When the stand-in was asked for each status: each once, and none was answered with a limit."""
    requests = [request for request in await github.requests() if request["method"] == "POST"]
    assert [request["answered"] for request in requests] == BACKLOG * [201]
    return [datetime.fromisoformat(str(request["at"])) for request in requests]


def _vs_optimum(posted: Sequence[datetime]) -> float:
    return (posted[-1] - posted[0]) / ((len(posted) - 1) * WriteBudget().spacing)


async def _limited(folder: Path) -> int:
    """The number of requests within a limit that GitHub answered one with."""
    async with running() as github:
        await github.fault("secondary_limit", context=f"docs/{LIMIT_AT}", seconds=LIMIT.total_seconds())
        await _reconcile(await _ledger(folder, "limited"), github, LIMITED)
        requests = await github.requests()
    at = [datetime.fromisoformat(str(request["at"])) for request in requests]
    (limited,) = (when for when, request in zip(at, requests, strict=True) if request["fault"])
    return sum(limited < when < limited + LIMIT for when in at)
