"""Runs `make up` for an hour with a job a minute and random faults, then compares every row: `make e2e-hour`.

MINUTES says for how long (60); SEED, as printed, repeats what goes wrong. Ends with 0 if the ledger and the stand-in
agree, and no process holds more than 1.10 times the memory it held after ten minutes.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.row_for_row import Rows, differences, rows_of, unsettled
from benchmarks.trouble import Trouble
from console.terminal import stdout_console
from demo import source
from fake_github.exchange import Json
from fake_github.process import StandIn
from fake_github.process import running as github_running
from local import stack
from local.prefect_api import PrefectApi, prefect_api
from storage.ledger import Ledger, open_ledger
from tasks.process.kernel import command_line, descendants

MINUTE = 60.0
POLL_EVERY = 10.0
"""Seconds between two measurements of memory; a minute's figure is their median."""

WARM = 10
"""The minute that the last one is compared with."""

MAY_GROW = 1.10
QUIET = 300.0
"""Seconds within which everything must be settled once the faults end."""

ROLES = {
    "server": ("prefect", "server"),
    "jobs": ("local.serve", "jobs"),
    "reports": ("local.serve", "reports"),
    "stand-in": ("-m", "fake_github"),
}
"""The processes of `make up`, by parts of their command lines. The process that serves flows also runs them."""


@dataclass(frozen=True, slots=True)
class Hour:
    """The environment of the hour."""

    minutes: int
    github: StandIn
    prefect: PrefectApi
    ledger: Ledger
    sha: str
    random: Random
    console: Console
    memory: list[dict[str, float]] = field(default_factory=list)


async def main(minutes: int, seed: int) -> int:
    """Run the hour; returns the exit code."""
    console = stdout_console()
    console.print(f"{minutes} minutes, SEED={seed}")
    async with AsyncExitStack() as up:
        folder = Path(up.enter_context(tempfile.TemporaryDirectory(prefix="reportback-hour-")))
        clone_url, sha = source.commit(folder)
        github = await up.enter_async_context(github_running())
        url = f"sqlite:///{folder / 'ledger.db'}"
        settings = stack.stand_in_settings(url, github.url, clone_url)  # those of `make up`: every time is the default
        settings["REPORTBACK_JOBS_FILE"] = str(Path(__file__).with_name("jobs.toml"))
        local = await up.enter_async_context(stack.running(folder / "prefect", settings))
        prefect = await up.enter_async_context(prefect_api(local.api_url))
        ledger = await up.enter_async_context(open_ledger(url))
        hour = Hour(minutes, github, prefect, ledger, sha, Random(seed), console)  # noqa: S311  # not for secrets
        playing, ended = asyncio.create_task(_play(hour)), asyncio.create_task(local.until_one_ends())
        await asyncio.wait({playing, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            playing.cancel()
            raise stack.NotStarted(ended.result())
        ended.cancel()
        return playing.result()


async def _play(hour: Hour) -> int:
    for minute in range(1, hour.minutes + 1):
        until = time.monotonic() + MINUTE
        await _start_job(hour, minute)
        hour.memory.append(await _minute(hour, until))
        shown = "  ".join(f"{role} {mib:.0f}" for role, mib in hour.memory[-1].items())
        hour.console.print(f"minute {minute}: {shown} MiB", style="dim")
    await hour.github.clear()
    return _print_result(hour, await _settled(hour), await hour.github.statuses())


async def _start_job(hour: Hour, number: int) -> None:
    """Start a job for each of ten contexts every ten minutes: each has to supersede the one before."""
    options = {"seconds": hour.random.randint(2, 50), "exit": hour.random.choice((0, 0, 0, 1))}
    target = {"repository": "reportback/hour", "sha": hour.sha, "context": f"docs/{number % 10}"}
    await hour.prefect.start("docs-job/docs-job", {"job": "stays", "options": options, "target": target})


async def _minute(hour: Hour, until: float) -> dict[str, float]:
    """Run a minute with faults; returns the memory of each role in it."""
    trouble, looks = Trouble(hour.github, hour.prefect, hour.random), []
    at_github, of_a_job = hour.random.uniform(0, 1), hour.random.uniform(0, 4)  # a job's in one minute of four
    while (left := until - time.monotonic()) > 0:
        passed = 1 - left / MINUTE
        if at_github < passed:
            at_github = 2
            _note(hour, await trouble.at_github())
        if of_a_job < passed:
            of_a_job = 5
            _note(hour, await trouble.of_a_job((await rows_of(hour.ledger)).jobs))
        looks.append(resident())
        await asyncio.sleep(min(POLL_EVERY, max(until - time.monotonic(), 0)))
    return {role: median(look.get(role, 0) for look in looks) for role in ROLES}


def _note(hour: Hour, words: str | None) -> None:
    if words:
        hour.console.print(f"  {words}")


async def _settled(hour: Hour) -> Rows:
    """The ledger once all is settled, or when the time is up."""
    deadline = time.monotonic() + QUIET
    while unsettled(rows := await rows_of(hour.ledger)) and time.monotonic() < deadline:  # noqa: ASYNC110  # other processes settle it
        await asyncio.sleep(POLL_EVERY / 2)
    return rows


def resident() -> dict[str, float]:
    """Resident MiB (VmRSS) of each of `ROLES` among our descendants; the server with its children."""
    found = {}
    for pid in descendants(os.getpid()):
        words = command_line(pid)
        role = next((name for name, (one, other) in ROLES.items() if one in words and other in words), None)
        if role is not None and role not in found and not any(word.endswith("supervisor.py") for word in words):
            family = [pid, *descendants(pid)] if role == "server" else [pid]
            found[role] = sum(map(rss, family))
    return found


def rss(pid: int) -> float:
    """Resident MiB; 0 for a process that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0


def _print_result(hour: Hour, rows: Rows, statuses: Sequence[Json]) -> int:
    """Print the result. 0: no difference."""
    wrong = [*unsettled(rows), *differences(rows, statuses)]
    grown = _memory(hour)
    jobs = Counter(job.state.value for job in rows.jobs)
    hour.console.print("jobs:", ", ".join(f"{count} {state}" for state, count in jobs.most_common()) or "none")
    hour.console.print(f"{len(rows.reports)} reports, {len(statuses)} statuses, {len(wrong)} differences")
    for words in wrong:
        hour.console.print(f"  {words}", style="red")
    if len(rows.jobs) != hour.minutes:
        hour.console.print(f"  {hour.minutes} jobs were started", style="red")
    return 0 if not wrong and not grown and len(rows.jobs) == hour.minutes else 1


def _memory(hour: Hour) -> list[str]:
    """Print the memory of each role; returns those that grew too much. The stand-in may grow: it keeps all requests."""
    table = Table("MiB resident", f"minute {WARM}", f"minute {hour.minutes}", "times", "highest")
    grown = []
    for role in ROLES:
        warm, last = hour.memory[min(WARM, hour.minutes) - 1][role], hour.memory[-1][role]
        times = last / warm if warm else 0
        highest = max(one[role] for one in hour.memory)
        table.add_row(role, f"{warm:.0f}", f"{last:.0f}", f"{times:.2f}", f"{highest:.0f}")
        grown += [role] if role != "stand-in" and not 0 < times <= MAY_GROW else []
    hour.console.print(table)
    if grown:
        hour.console.print(f"  more than {MAY_GROW} times: {', '.join(grown)}", style="red")
    return grown


if __name__ == "__main__":
    seed = int(os.environ.get("SEED") or SystemRandom().randrange(10**6))
    sys.exit(asyncio.run(main(int(os.environ.get("MINUTES") or 60), seed)))
