"""Runs the demo: starts everything, lets GitHub fail, and checks the statuses that it holds in the end."""

import asyncio
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from console.terminal import stdout_console
from demo import source
from fake_github.process import StandIn
from fake_github.process import running as github_running
from local import stack
from local.prefect_api import PrefectApi, RunState, prefect_api

REPOSITORY = "reportback/docs"

OUTCOME_TIMEOUT = timedelta(seconds=150)
"""How long the demo waits for the last outcome before it says that one is missing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One docs job. `outcome` is the state that GitHub must show for it, once."""

    letter: str
    title: str
    job: str
    outcome: str

    @property
    def context(self) -> str:
        """Its own context, so that the commit's page shows all four."""
        return f"docs/{self.letter}-{self.job}"


BUILDS = Case("a", "builds", "sphinx-docs", "success")
FAILS = Case("b", "its command fails", "broken-docs", "failure")
OUTAGE = Case("c", "GitHub is unavailable for longer than the task retries", "sphinx-docs", "success")
LOST = Case("d", "GitHub stores it, and the reply is lost", "sphinx-docs", "success")
CASES = (BUILDS, FAILS, OUTAGE, LOST)


@dataclass(frozen=True, slots=True)
class Stage:
    """The environment of the demo's cases."""

    github: StandIn
    prefect: PrefectApi
    sha: str
    console: Console
    began: float

    def say(self, text: str) -> None:
        """Print a line with the time."""
        passed = time.monotonic() - self.began
        self.console.print(f"  [dim]{passed:3.0f} s[/]  {text}")


async def demo() -> int:
    """Run four docs jobs for this project's commit against a failing stand-in GitHub, and check their statuses."""
    console, began = stdout_console(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reportback-demo-") as folder:
        clone_url, sha = source.commit(Path(folder))
        async with github_running() as github:
            console.print("Starting a Prefect server, the deployments and a stand-in GitHub")
            async with (
                stack.running(Path(folder) / "prefect", _settings(Path(folder), github.url, clone_url)) as local,
                prefect_api(local.api_url) as prefect,
            ):
                stage = Stage(github, prefect, sha, console, began)
                page = f"{github.url}/{REPOSITORY}/commit/{sha}"
                console.print(f"[bold]Prefect[/] {local.ui_url}   [bold]commit[/] {page}\n")
                return await _print_table(stage, await _play(stage))


def _settings(folder: Path, github_url: str, clone_url: str) -> dict[str, str]:
    """Settings of the demo: the reconciliation runs every 5 s instead of every minute."""
    return {
        **stack.stand_in_settings(f"sqlite:///{folder / 'ledger.db'}", github_url, clone_url),
        "REPORTBACK_JOBS_FILE": str(stack.ROOT / "demo" / "jobs.toml"),
        "REPORTBACK_INTERVAL": "5s",
        "REPORTBACK_PASS_BUDGET": "4s",
        "REPORTBACK_FIRST_DELAY": "2s",
    }


async def _play(stage: Stage) -> dict[Case, RunState]:
    """Run the four jobs. Returns the final state of each flow run."""
    stage.say("the reconciliation runs every 5 s here, with a first delay of 2 s; by default it is 60 s for both")
    await stage.github.fault("close", where="after", context=LOST.context, state=LOST.outcome)
    first = await asyncio.gather(*(_run(stage, case) for case in (BUILDS, FAILS, LOST)))
    await _until_on_github(stage, (BUILDS, FAILS, LOST))
    await stage.github.fault("server_error", status=503, method="*", times=0)
    stage.say("[yellow]GitHub is unavailable:[/] it answers 503 to everything")
    during_outage = await _run(stage, OUTAGE)
    await stage.github.clear()
    stage.say("[yellow]GitHub is back;[/] the task has given up, the scheduled reconciliation takes over")
    await _until_on_github(stage, CASES)
    return dict([*first, during_outage])


async def _run(stage: Stage, case: Case) -> tuple[Case, RunState]:
    stage.say(f"({case.letter}) starts: {case.title}")
    target = {"repository": REPOSITORY, "sha": stage.sha, "context": case.context}
    run_id = await stage.prefect.start("docs-job/docs-job", {"job": case.job, "target": target})
    state = await stage.prefect.until_over(run_id)
    stage.say(f"({case.letter}) {state.name}: {state.message}")
    return case, state


async def _until_on_github(stage: Stage, cases: Iterable[Case]) -> None:
    """Wait until GitHub holds an outcome for each of *cases*; not for ever: what is missing shows in the table."""
    waiting = list(cases)
    deadline = asyncio.get_running_loop().time() + OUTCOME_TIMEOUT.total_seconds()
    while waiting and asyncio.get_running_loop().time() < deadline:
        held = await _held(stage)
        waiting = [case for case in waiting if not any(one["state"] != "pending" for one in held[case])]
        await asyncio.sleep(0.5)


async def _held(stage: Stage) -> dict[Case, list[Mapping[str, Any]]]:
    statuses = await stage.github.statuses()
    return {case: [one for one in statuses if one["context"] == case.context] for case in CASES}


async def _print_table(stage: Stage, jobs: Mapping[Case, RunState]) -> int:
    """Print the result as a table. 1: an outcome is missing or doubled."""
    held, requests = await _held(stage), await stage.github.requests()
    table = Table("", "the job", "its flow run", "what GitHub holds", "POSTs", "verdict", title="Every outcome, once")
    problems = {case: problem(case, held[case]) for case in CASES}
    for case in CASES:
        states = " → ".join(one["state"] for one in held[case]) or "nothing"
        posts = sum(one["method"] == "POST" and one["context"] == case.context for one in requests)
        verdict = f"[red]{problems[case]}[/]" if problems[case] else "[green]once[/]"
        table.add_row(case.letter, case.title, jobs[case].name, states, str(posts), verdict)
    stage.console.print(table)
    reads = sum(one["method"] == "GET" for one in requests)
    stage.console.print(f"{len(requests)} requests in all, {reads} of them reads to find what may have been stored.")
    return 1 if any(problems.values()) else 0


def problem(case: Case, held: Sequence[Mapping[str, str]]) -> str | None:
    """What is wrong with the statuses that GitHub holds for *case*, oldest first; None: nothing."""
    states = [status["state"] for status in held]
    outcomes = [state for state in states if state != "pending"]
    if not outcomes:
        return "the outcome is missing"
    if len(outcomes) > 1 or states.count("pending") > 1:
        return f"doubled: {', '.join(states)}"
    if states[-1] == "pending":
        return "`pending` covers the outcome"
    if outcomes != [case.outcome]:
        return f"{outcomes[0]} instead of {case.outcome}"
    return None
