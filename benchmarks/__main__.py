"""Runs benchmarks, prints their figures and writes them to benchmarks/results.json: `make bench`.

`python -m benchmarks NAME …` runs only those; the figures of the others stay. Nothing is asserted on time: a figure is
a median of alternating rounds, and a ratio compares two things of one run. Real sockets, and the stand-in GitHub in a
process of its own. Without other work on the machine, all take the better part of an hour and 2 GB below --folder.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from benchmarks import deliveries, docs_job, drain, idle, imports
from benchmarks.check_runs import compare as check_runs
from benchmarks.deployed import burst, short_jobs
from benchmarks.large_ledger import say
from benchmarks.peers import compare

Figures: TypeAlias = Mapping[str, float]

BENCHMARKS: dict[str, Callable[[Path], Coroutine[None, None, dict[str, float]]]] = {
    "deliveries": deliveries.measure,
    "peers": compare.measure,
    "check_runs": check_runs.measure,
    "drain": drain.measure,
    "idle": idle.measure,
    "docs_job": docs_job.measure,
    "imports": imports.measure,
    "short_jobs": short_jobs.measure,
    "burst": burst.measure,
    "memory": burst.measure_memory,
}
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Run the named benchmarks, else all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--folder", type=Path, help="on a disk with room; default: the one for temporary files")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the file to write; default: %(default)s")
    asked = parser.parse_args()
    if unknown := set(asked.names) - BENCHMARKS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    os.environ.setdefault("REPORTBACK_GITHUB_TOKEN", "a-token-for-the-stand-in")
    for name in asked.names or BENCHMARKS:
        say(f"{name}:")
        with tempfile.TemporaryDirectory(prefix="reportback-benchmark-", dir=asked.folder) as folder:
            began, load = time.monotonic(), os.getloadavg()[0]
            figures = asyncio.run(BENCHMARKS[name](Path(folder)))
        for figure, value in figures.items():
            say(f"  {figure:58} {value:10.3f}")
        _store(asked.results, name, figures, seconds=time.monotonic() - began, load=load)


def _store(results: Path, name: str, figures: Figures, *, seconds: float, load: float) -> None:
    """Put the figures of one benchmark into the file, and all figures of the file into its summary."""
    stored: dict[str, Any] = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {"benchmarks": {}}
    stored["machine"] = {"processors": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    stored["benchmarks"][name] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "load_before": round(load, 2),  # of the machine, over a minute: above 0.5 it was not idle
        "seconds": round(seconds),
        "figures": {figure: round(value, 4) for figure, value in figures.items()},
    }
    stored["summary"] = {key: value for one in stored["benchmarks"].values() for key, value in one["figures"].items()}
    results.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")


def _commit() -> str:
    command = ("git", "-C", str(RESULTS.parent), "describe", "--always", "--dirty", "--exclude=*")
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()  # noqa: S603  # our own words


if __name__ == "__main__":
    main()
