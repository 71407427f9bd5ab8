"""Measures what starts with a process: the import of a flow, and the `reportback` command."""

import asyncio
from pathlib import Path
from statistics import median

from benchmarks.processes import cpu, in_turn, ratio, seconds

ROUNDS = 7


async def measure(_: Path) -> dict[str, float]:
    """The figures."""
    return await asyncio.to_thread(_measured)


def _measured() -> dict[str, float]:
    flow = in_turn(
        ROUNDS,
        ("-c", "import flows.docs_job"),
        ("-c", "import prefect"),
        ("-c", "from prefect import flow, task, get_run_logger; import sqlmodel"),
    )
    version = in_turn(ROUNDS, ("-c", "import cli; cli.main()", "--version"), ("-c", "pass"))
    return {
        "flow_import_seconds_vs_prefect": ratio(flow, seconds),
        "flow_import_cpu_vs_prefect": ratio(flow, cpu),
        "flow_import_cpu_vs_prefect_and_sqlmodel": median(ours.cpu / theirs.cpu for ours, _, theirs in flow),
        "flow_import_cpu_seconds": median(ours.cpu for ours, *_ in flow),
        "version_seconds": median(ours.seconds for ours, _ in version),
        "version_cpu_seconds": median(ours.cpu for ours, _ in version),
    }
