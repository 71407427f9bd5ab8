"""A hundred thousand output lines take no more memory than a thousand, and all are parsed."""

import os
import subprocess
import sys

import pytest
from processes import ROOT

LIMIT = 20 * 1024
"""KiB over what a thousand lines take."""

JOB = """
import asyncio, os, sys
from datetime import timedelta
from pathlib import Path
from domain.process.limits import Limits
from domain.output.patterns import LinePattern
from tasks.jobs.run_commands import BuildEnvironment

lines, keeps = int(sys.argv[1]), sys.argv[2] == "keeping"
sent, kept = [], []
write = f"import sys; [print(n, 'x' * 290) for n in range({lines})]; print('Progress: 9/10'); print('bye')"

async def run():
    around = BuildEnvironment(Path.cwd(), {"PATH": os.environ["PATH"]}, Limits(), str, sent.append)
    if keeps:
        around.budget.take = lambda line, _: kept.append(line) or False
    patterns = [LinePattern.model_validate({"count": "xxx", "as": "lines"})]
    ran = await around.run([sys.executable, "-c", write], timedelta(minutes=2), patterns)
    around.end_output()
    return ran

ran = asyncio.run(run())
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak, len(sent), ran.parsed.counts, "|", sum("left out" in line for line in sent))
"""


def peak_of(lines: int, how: str = "") -> tuple[int, str]:
    """KiB at most, since its start, of a process that runs a job with so many *lines*; and what it says."""
    done = subprocess.run(
        [sys.executable, "-c", JOB, str(lines), how],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    peak, _, said = done.stdout.strip().partition(" ")
    return int(peak), said


@pytest.fixture(scope="module")
def of_a_thousand() -> int:
    return peak_of(1000)[0]


def test_a_hundred_thousand_lines_take_no_more_than_a_thousand(of_a_thousand: int) -> None:
    peak, said = peak_of(100_000)
    sent, _, rest = said.partition(" ")
    assert peak - of_a_thousand < LIMIT
    assert int(sent) <= 1000
    assert rest == "100000 lines | 1"


def test_a_reader_that_keeps_all_lines_is_noticed(of_a_thousand: int) -> None:
    assert peak_of(100_000, "keeping")[0] - of_a_thousand > LIMIT
