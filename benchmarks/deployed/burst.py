"""Measures bursts of jobs that end at once, started together, on two workers as documented.

`measure`: jobs a minute, and what bounds them: how many of the processors were busy, and the CPU seconds of the server
and of everything for each job; and the memory of the workers. `measure_memory`: that over 200 runs, as workers live for
months, and of a reconciliation run; other work on the machine does not change it.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from sqlmodel import col, func, select

from benchmarks.deployed.installation import Installation, installation
from benchmarks.hour import rss
from benchmarks.processes import run
from storage.models import Job
from storage.transaction import Transaction
from tasks.process.kernel import command_line, descendants

JOBS, BEGIN = 80, 20
"""The jobs of a burst, and after how many of them a worker has loaded all that it needs."""
RUNS = (50, 100, 150, 200)
FLOW = ("-c", "import asyncio, flows.reconcile_reports as flow; asyncio.run(flow.reconcile_reports())")
TICKS = os.sysconf("SC_CLK_TCK")


async def measure(folder: Path) -> dict[str, float]:
    """The figures of a burst."""
    async with installation(folder) as installed, installed.worker(), installed.worker():
        began, busy, server = time.perf_counter(), _machine_cpu(), _cpu_of(_ours("server"))
        await _submit(installed, JOBS)
        memory = await _memory(installed, (BEGIN, JOBS))
        took, busy = time.perf_counter() - began, _machine_cpu() - busy
        server = _cpu_of(_ours("server")) - server
    return {
        "burst_jobs_per_minute": JOBS / took * 60,
        "burst_processors_busy": busy / took,
        "burst_cpu_seconds_per_job": busy / JOBS,
        "burst_server_cpu_seconds_per_job": server / JOBS,
        **memory,
    }


async def measure_memory(folder: Path) -> dict[str, float]:
    """The memory of a worker over many runs, and of a reconciliation run."""
    async with installation(folder) as installed, installed.worker(), installed.worker():
        await _submit(installed, RUNS[-1])
        figures = await _memory(installed, RUNS)
        reconciliation = await asyncio.to_thread(run, FLOW, {**os.environ, **installed.env})
    return {**figures, "reconciliation_process_mib": reconciliation.mib}


async def _memory(installed: Installation, runs: Sequence[int]) -> dict[str, float]:
    """The mean memory of the workers once so many jobs have ended; waits for them."""
    figures = dict[str, float]()
    for number in runs:
        await _until_ended(installed, number)
        figures[f"worker_mib_after_{number}_runs"] = mean(map(rss, _ours("worker")))
    return figures


async def _submit(installed: Installation, jobs: int) -> None:
    for number in range(jobs):
        await installed.submit(number)


async def _until_ended(installed: Installation, jobs: int) -> None:
    while await installed.ledger.read(_ended) < jobs:  # noqa: ASYNC110  # other processes end them
        await asyncio.sleep(1)


def _ended(tx: Transaction) -> int:
    return tx.session.exec(select(func.count()).where(col(Job.ended_at).is_not(None))).one()


def _ours(role: str) -> list[int]:
    """Our descendants that are a Prefect server, with its children, or workers, without theirs."""
    found = []
    for pid in descendants(os.getpid()):
        words = command_line(pid)
        if role in words and not any(word.endswith("supervisor.py") for word in words):
            found += [pid, *(descendants(pid) if role == "server" else [])]
    return found


def _cpu_of(pids: list[int]) -> float:
    """CPU seconds of living processes."""
    stats = [Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split() for pid in set(pids)]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / TICKS


def _machine_cpu() -> float:
    """CPU seconds of everything on this machine: https://man7.org/linux/man-pages/man5/proc_stat.5.html."""
    user, nice, system, _idle, _io, *interrupts = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / TICKS
