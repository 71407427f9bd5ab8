"""Runs the demo: starts everything, lets GitHub fail, and checks the statuses that it holds in the end."""

import asyncio
import tempfile
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.markup import escape

from console.terminal import prose
from demo import source
from demo.cases import BUILDS, CASES, FAILS, LOST, OUTAGE, Case, requests_used
from demo.story import Story
from fake_github.process import StandIn
from fake_github.process import running as github_running
from local import stack
from local.prefect_api import PrefectApi, prefect_api
from storage.ledger import open_ledger

REPOSITORY = "reportback/docs"

OUTCOME_TIMEOUT = timedelta(seconds=150)
"""How long the demo waits for the last outcome before it says that one is missing."""

SEEN = """\
What you have seen: a lost reply was not answered with a second status, because GitHub was asked first; and an outage \
that the retries did not outlast lost nothing, because the outcome waited in the ledger until the scheduled \
reconciliation could deliver it."""
NEXT = """\
What to do next: `make init REPO=FOLDER` writes a first jobs.toml for a repository of yours, and `make up REPO=FOLDER` \
runs all this for it, until Ctrl-C. docs/getting-started.md goes through both."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The environment of the demo's cases."""

    github: StandIn
    prefect: PrefectApi
    sha: str
    story: Story


async def demo() -> int:
    """Run four docs jobs for this project's commit against a failing stand-in GitHub, and check their statuses."""
    story = Story(prose())
    story.introduce()
    with tempfile.TemporaryDirectory(prefix="reportback-demo-") as made, stack.temporary_files() as tmp:
        folder = Path(made)
        clone_url, sha = source.commit(folder)
        ledger_url = f"sqlite:///{folder / 'ledger.db'}"
        async with github_running() as github, open_ledger(ledger_url) as ledger, AsyncExitStack() as started:
            with story.waiting("starting a Prefect server, the deployments and a stand-in GitHub"):
                settings = _settings(ledger_url, github.url, clone_url)
                running = stack.running(folder / "prefect", settings, tmp=tmp)
                local = await started.enter_async_context(running)
            story.address("Prefect", local.ui_url)
            story.address("Commit", f"{github.url}/{REPOSITORY}/commit/{sha}")
            async with prefect_api(local.api_url) as prefect, story.telling(ledger):
                await _play(Stage(github, prefect, sha, story))
            return await _conclude(github, story)


def _settings(ledger_url: str, github_url: str, clone_url: str) -> dict[str, str]:
    """Settings of the demo: the reconciliation runs every 10 s instead of every minute."""
    return {
        **stack.stand_in_settings(ledger_url, github_url, clone_url),
        "REPORTBACK_JOBS_FILE": str(stack.ROOT / "demo" / "jobs.toml"),
        "REPORTBACK_INTERVAL": "10s",
        "REPORTBACK_PASS_BUDGET": "8s",
        "REPORTBACK_FIRST_DELAY": "2s",
    }


async def _play(stage: Stage) -> None:
    """Run the four jobs, and wait for their outcomes on GitHub."""
    story, first = stage.story, (BUILDS, FAILS, LOST)
    story.heading("GitHub answers, but for one reply")
    await stage.github.fault("close", where="after", context=LOST.context, state=LOST.outcome)
    with story.waiting("(a), (b) and (c) run at the same time"):
        await asyncio.gather(*(_run(stage, case) for case in first))
        await _until_on_github(stage, first)
    story.heading("GitHub is away")
    await stage.github.fault("server_error", status=503, method="*", times=0)
    story.say("[yellow]GitHub answers 503 to every request[/]", symbol="[yellow]![/]")
    with story.waiting("(d) runs, and is tried again after 1, 2, 4, 8 and 16 s"):
        await _run(stage, OUTAGE)
    story.heading("GitHub is back")
    await stage.github.clear()
    with story.waiting("the task has given up; the reconciliation delivers: every 10 s here, every minute by default"):
        await _until_on_github(stage, CASES)


async def _run(stage: Stage, case: Case) -> None:
    stage.story.say(f"({case.letter}) starts: {case.title}", symbol="•")
    target = {"repository": REPOSITORY, "sha": stage.sha, "context": case.context}
    run_id = await stage.prefect.start("docs-job/docs-job", {"job": case.job, "target": target})
    state = await stage.prefect.until_over(run_id)
    stage.story.say(f"({case.letter}) its flow run has ended, {state.name}: {escape(state.message or '')}", symbol="•")


async def _until_on_github(stage: Stage, cases: Iterable[Case]) -> None:
    """Wait until GitHub holds an outcome for each of *cases*; not for ever: what is missing shows in the end."""
    waiting = list(cases)
    deadline = asyncio.get_running_loop().time() + OUTCOME_TIMEOUT.total_seconds()
    while waiting and asyncio.get_running_loop().time() < deadline:
        held = await _held(stage.github)
        waiting = [case for case in waiting if set(held[case]) <= {"pending"} or not stage.story.has_told(case)]
        await asyncio.sleep(0.5)


async def _held(github: StandIn) -> dict[Case, list[str]]:
    """The states that GitHub holds for each case, oldest first."""
    statuses = await github.statuses()
    return {case: [str(one["state"]) for one in statuses if one["context"] == case.context] for case in CASES}


async def _conclude(github: StandIn, story: Story) -> int:
    """Print what GitHub holds, and what that took. 1: an outcome is missing or doubled."""
    requests = await github.requests()
    posts = {
        case: sum(one["method"] == "POST" and one["context"] == case.context for one in requests) for case in CASES
    }
    story.heading("What GitHub holds")
    is_right = story.results(await _held(github), posts)
    story.paragraph(requests_used(requests))
    for text in (SEEN, NEXT) if is_right else ("This should not be: please report it, with the lines above.",):
        story.paragraph(text)
    return 0 if is_right else 1
