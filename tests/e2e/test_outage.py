"""Outcomes that queue up while GitHub is unavailable are delivered afterwards."""

import asyncio
import time
from dataclasses import replace

import pytest
from e2e_rig import INTERVAL, SECONDS, Rig
from e2e_run import STARTS
from ledger_jobs import order, run_job
from relay import Fate
from waiting import until

from domain.delivery.policy import SPREAD, Policy
from domain.delivery.target import Target
from github_api.credentials import DEFAULT_CREDENTIAL

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]

REPOSITORY = "acme/outage"
BACKLOG = 10
RETRIES = 60
"""Seconds in which the task has made all its tries."""


async def test_once_github_is_back_the_whole_backlog_is_delivered(rig: Rig) -> None:
    there = replace(rig, repository=REPOSITORY)
    went = time.monotonic()
    rig.line.fate = lambda sent: Fate.LOST if f"/repos/{REPOSITORY}/".encode() in sent else Fate.PASS
    runs = [await there.start(f"in-the-outage-{number}") for number in (1, 2)]
    waiting = {run.context for run in runs} | {await _recorded(rig, number) for number in range(len(runs), BACKLOG)}
    for run in runs:
        run.go()
    await asyncio.gather(*(run.is_over("COMPLETED", within=STARTS + RETRIES) for run in runs))
    assert await _delivered(rig) == []
    rig.line.fate = lambda _: Fate.PASS
    back = time.monotonic()

    async def is_delivered() -> bool:
        return sorted(await _delivered(rig)) == sorted(waiting)

    await until(is_delivered, within=_longest(back - went), what=f"{sorted(waiting)} to be delivered")
    SECONDS[f"GitHub back after {back - went:.0f} s, {BACKLOG} outcomes waiting"] = time.monotonic() - back


async def _recorded(rig: Rig, number: int) -> str:
    """The context of a job that has ended just now, its outcome left to the reconciliation."""
    context = f"docs/recorded-{number}"
    asked = replace(order(), target=Target(REPOSITORY, rig.commit(context), context), credential=DEFAULT_CREDENTIAL)
    await run_job(rig.ledger, asked)
    return context


async def _delivered(rig: Rig) -> list[str]:
    held = await rig.github.statuses()
    return [str(one["context"]) for one in held if one["repository"] == REPOSITORY and one["state"] == "success"]


def _longest(away: float) -> float:
    """Seconds that a report may still wait after an outage: its backoff, a doubt, an interval, and 15."""
    backoff = away / 2 * (1 + SPREAD)
    return backoff + Policy().settle_after.total_seconds() + INTERVAL + 15
