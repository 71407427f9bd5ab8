"""Measures docs jobs beside an empty flow whose tasks do the same git fetch and command, on a real Prefect server.

Warm, in one process that runs both in turn, and as a process of its own each time; for this project's commit, and for a
repository of one page, of which nearly all is overhead. Also: how long after a job's end its outcome is on GitHub,
which answers after 50 ms, beyond a bare request; and the memory of a flow's process.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import httpx
from sqlmodel import col, select

from benchmarks.deployed.installation import one_page
from benchmarks.processes import cpu, in_turn, ratio, seconds
from demo import source
from domain.delivery.report import Rank
from fake_github.process import StandIn, running
from local import stack
from storage.ledger import open_ledger
from storage.models import Job, StatusReport

ROUNDS, PROCESSES = 15, 5
LATENCY = 0.05


async def measure(folder: Path) -> dict[str, float]:
    """The figures."""
    url, sha = source.commit(folder)
    page = await asyncio.to_thread(one_page, folder / "page")
    async with running() as github, stack.prefect_server(folder / "prefect") as (_, _, env):
        await github.fault("hang", seconds=LATENCY, times=0)
        settings = {
            "REPORTBACK_JOBS_FILE": str(Path(__file__).with_name("jobs.toml")),
            "REPORTBACK_WRITE_BUDGET": "off",
        }
        flows = {**env, **settings, "PREFECT_LOGGING_LEVEL": "WARNING"}
        ledgers = [f"sqlite:///{folder / name}.db" for name in ("project", "page")]
        project, small = [
            await _compare({**flows, **stack.stand_in_settings(ledger, github.url, origin[0])}, *origin)
            for ledger, origin in zip(ledgers, ((url, sha), page), strict=True)
        ]
        latency, request = await _latency(ledgers[0]), await _request(github, sha)
    return {
        **project,
        **{f"{figure}_one_page": value for figure, value in small.items()},
        "report_latency_seconds_p50": latency,
        "report_latency_over_request_p50_seconds": latency - request,
    }


async def _compare(env: Mapping[str, str], url: str, sha: str) -> dict[str, float]:
    """The figures for one commit."""
    warm = await _warm(env, url, sha)
    commands = [("-m", "benchmarks.job_rounds", what, url, sha, "1") for what in ("docs_job", "same_work")]
    alone = await asyncio.to_thread(in_turn, PROCESSES, *commands, env=env)
    return {
        "docs_job_vs_same_work_flow": median(ours[0] / theirs[0] for ours, theirs in warm),
        "docs_job_cpu_vs_same_work_flow": median(ours[1] / theirs[1] for ours, theirs in warm),
        "docs_job_cpu_seconds": median(ours[1] for ours, _ in warm),
        "docs_job_process_vs_same_work_flow": ratio(alone, seconds),
        "docs_job_process_cpu_vs_same_work_flow": ratio(alone, cpu),
        "docs_job_process_cpu_seconds": median(ours.cpu for ours, _ in alone),
        "docs_job_process_mib": median(ours.mib for ours, _ in alone),
        "same_work_process_mib": median(theirs.mib for _, theirs in alone),
    }


async def _warm(env: Mapping[str, str], url: str, sha: str) -> list[list[tuple[float, float]]]:
    """Seconds and CPU seconds of a docs job and of the same work, in turn, in one process; without the first round."""
    command = (sys.executable, "-m", "benchmarks.job_rounds", "both", url, sha, str(ROUNDS + 1))
    piped = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **env}, cwd=stack.ROOT, stdout=piped)
    printed, _ = await process.communicate()
    assert process.returncode == 0
    measured: list[list[tuple[float, float]]] = json.loads(printed.splitlines()[-1])
    return measured[1:]


async def _latency(url: str) -> float:
    """Median of the seconds from the end of a job to its outcome's delivery."""
    delivered = select(Job.ended_at, StatusReport.delivered_at).join(StatusReport, col(StatusReport.job_id) == Job.id)
    async with open_ledger(url) as ledger:
        with ledger.transaction(only_reads=True) as tx:
            found = tx.session.exec(delivered.where(StatusReport.rank == Rank.OWN_OUTCOME)).all()
    return median((at - ended).total_seconds() for ended, at in found if ended and at)


async def _request(github: StandIn, sha: str) -> float:
    """Median of the seconds of a bare request."""
    times = []
    async with httpx.AsyncClient(base_url=github.url, headers={"Authorization": "Bearer token"}) as client:
        for number in range(2 * ROUNDS):
            began = time.perf_counter()
            body = {"state": "success", "context": f"docs/{number}"}
            (await client.post(f"/repos/acme/site/statuses/{sha}", json=body)).raise_for_status()
            times.append(time.perf_counter() - began)
    return median(times)
