"""Makes the pictures of docs/screens: `make screenshots`, which needs Chromium.

A day of a ledger is made up; then real jobs run against a GitHub that rejects one report and is unavailable for others.
"""

import asyncio
import io
import os
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import httpx
from chromium import Browser, Page, browser, chromium
from rich.console import Console
from sqlmodel import SQLModel
from waiting import until

from console.list import list_reports
from console.show import show
from demo import source
from domain.delivery.target import StatusState
from domain.jobs.job_states import JobState
from domain.operations.overview import SLOT, SLOTS
from domain.operations.status_page import KEY
from fake_github.process import StandIn
from fake_github.process import running as github_running
from github_api.credentials import DEFAULT_CREDENTIAL
from local import stack
from local.prefect_api import PrefectApi, prefect_api
from storage.delivery.reports import Selection
from storage.ledger import Ledger, open_ledger
from storage.models import Credential, Job, Reconciliation, StatusReport, StatusTarget
from storage.operations.listing import Wanted, listing

SCREENS = stack.ROOT / "docs" / "screens"
REPOSITORY = "acme/handbook"
OUTAGE = range(20, 25)
"""The slots of the day in which nothing was delivered."""

SOON = 240
"""Seconds allowed for each step, on a busy machine."""

WIDE, PHONE = 1100, 390
COMMIT = 960
HIGHEST = 2000
"""Pixels; the end of a longer page is cut off."""

FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Rich's pictures fetch their font from a public server."""


OUTCOMES = (
    ("docs/handbook", "pending", "running"),
    ("docs/links", "pending", "running"),
    ("docs/handbook", "success", "succeeded in 48 s: 312 pages"),
    ("docs/translate", "pending", "running"),
    ("docs/links", "failure", "exit code 1: guide/install.md: https://example.com/old answers 404"),
)
"""What the commit of its picture has: context, state and description, the oldest first."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The installation that the pictures show."""

    github: StandIn
    prefect: PrefectApi
    ledger: Ledger
    ui: str
    sha: str

    async def start(self, job: str, context: str) -> str:
        """Start a flow run; return its id."""
        target = {"repository": REPOSITORY, "sha": self.sha, "context": context}
        return await self.prefect.start("docs-job/docs-job", {"job": job, "target": target})


@asynccontextmanager
async def stage_in(folder: Path) -> AsyncIterator[Stage]:
    """Start a server, deployments, a stand-in GitHub and a ledger with a made-up day."""
    clone_url, sha = source.commit(folder)
    ledger_url = f"sqlite:///{folder / 'ledger.db'}"
    os.environ["REPORTBACK_DATABASE_URL"] = ledger_url
    async with github_running() as github, open_ledger(ledger_url) as ledger:
        await make_up_a_day(ledger)
        settings = _settings(ledger_url, github.url, clone_url)
        async with stack.running(folder / "prefect", settings) as local, prefect_api(local.api_url) as prefect:
            yield Stage(github, prefect, ledger, f"{local.ui_url}/v2", sha)


def _settings(ledger_url: str, github_url: str, clone_url: str) -> dict[str, str]:
    return {
        **stack.stand_in_settings(ledger_url, github_url, clone_url),
        "REPORTBACK_JOBS_FILE": str(stack.ROOT / "demo" / "jobs.toml"),
        "REPORTBACK_INTERVAL": "10s",
        "REPORTBACK_PASS_BUDGET": "8s",
        "REPORTBACK_WRITE_BUDGET": "off",
    }


async def make_up_a_day(ledger: Ledger) -> None:
    """Record two outcomes and a reconciliation run each half hour; in `OUTAGE` nothing is delivered until its end."""
    with ledger.transaction() as tx:
        tx.session.add(Credential(name=DEFAULT_CREDENTIAL))
        tx.session.flush()
        for slot in range(SLOTS - 1):
            began = tx.now - (SLOTS - slot) * SLOT
            waiting = 2 * (slot - OUTAGE[0] + 1) if slot in OUTAGE else 0
            tx.session.add(Reconciliation(started_at=began, ended_at=began, undelivered=waiting))
            for number in range(2):
                took = (OUTAGE[-1] + 1 - slot) * SLOT if slot in OUTAGE else timedelta(seconds=0.7 + (7 * slot) % 5)
                for row in outcome(2 * slot + number + 1, began, took * (1 + number)):
                    tx.session.add(row)
                    tx.session.flush()  # each needs the one before


def outcome(number: int, at: datetime, took: timedelta) -> Iterator[SQLModel]:
    """Record a job that succeeded at a time and was delivered a while later."""
    job = uuid4()
    yield StatusTarget(
        id=number, key=f"acme/handbook@{number}", repository=REPOSITORY, sha=f"{number:040x}", context="docs/sphinx",
        turns=1, credential=DEFAULT_CREDENTIAL, newest_id=number, attempts=1,
    )  # fmt: skip
    yield Job(
        number=number, id=job, type="sphinx-docs", target_id=number, url="https://github.com", turn=1,
        state=JobState.SUCCEEDED, beat_at=at, started_at=at, ended_at=at, exit_code=0,
    )  # fmt: skip
    yield StatusReport(
        id=number, job_id=job, execution=1, state=StatusState.SUCCESS, target_id=number, turn=1, rank=2,
        marker=f"{number:024x}", description="succeeded in 12 s", target_url="https://github.com",
        created_at=at, delivered_at=at + took, github_status_id=number,
    )  # fmt: skip


async def play(stage: Stage) -> str:
    """Run a failing job that is reported, a rejected outcome, then an outage; return the failing job's id."""
    await stage.github.fault("archived", context="docs/archive", times=0)
    failed = await stage.start("broken-docs", "docs/papyrus")
    refused = await stage.start("broken-docs", "docs/archive")
    for run in (failed, refused):
        await asyncio.wait_for(stage.prefect.until_over(run), SOON)
    await stage.github.fault("server_error", status=503, method="*", times=0)
    for context in ("docs/guide", "docs/reference", "docs/tutorial"):
        await stage.start("broken-docs", context)
    return failed


async def artifact(stage: Stage, wanted: Mapping[str, object], *words: str, without: str = "\0") -> str:
    """The address of the newest artifact that is *wanted*, once it contains *words* and not *without*."""
    found: list[Mapping[str, str]] = []
    api = stage.ui.removesuffix("/v2") + "/api"
    async with httpx.AsyncClient(base_url=api, trust_env=False, timeout=30) as client:

        async def is_there() -> bool:
            asked = {"artifacts": wanted, "sort": "CREATED_DESC", "limit": 1}
            answer = await client.post("/artifacts/filter", json=asked)
            found[:] = answer.json() if answer.is_success else []
            said = "".join(map(str, found))
            return all(word in said for word in words) and without not in said

        await until(is_there, within=SOON, what=lambda: f"{wanted} to say {words}; it is {found}"[:2000])
    return f"{stage.ui}/artifacts/artifact/{found[0]['id']}"


async def shoot(window: Browser, url: str, words: str, name: str, *, width: int = WIDE, is_dark: bool = False) -> None:
    """Take a picture of *url* once it shows *words*."""
    async with window.page(width=width, is_dark=is_dark) as page:
        await page.open(url)
        await page.shows(words)
        await save(page, name, width)


async def save(page: Page, name: str, width: int) -> None:
    """Save a picture as high as the page's content, which Prefect scrolls within the window."""
    ends = "one => one.getBoundingClientRect().bottom"
    height = await page.value(f"Math.max(...[...document.querySelectorAll('main *')].map({ends}))")
    await page.resize(width, min(round(height) + 16, HIGHEST))
    await page.value(
        "document.fonts.ready.then(() => new Promise(done => setTimeout(done, 1000)))"
    )  # its sidebar moves
    (SCREENS / name).write_bytes(await page.screenshot())


async def shoot_form(stage: Stage, window: Browser) -> None:
    """Take a picture of the empty start form."""
    async with window.page(width=WIDE) as page:
        await page.open(f"{stage.ui}/deployments")
        await page.click("[...document.querySelectorAll('a')].find(one => one.innerText.trim() === 'docs-job')")
        await page.click("[...document.querySelectorAll('button')].find(one => one.innerText.trim() === 'Run')")
        custom = "[...document.querySelectorAll('[role=menuitem]')].find(one => one.innerText.trim() === 'Custom run')"
        await page.click(custom)
        await page.shows("Repository", "Submit")
        await page.write("document.querySelector('main input')", "the handbook of this week")
        await save(page, "start-form.png", WIDE)


async def shoot_commit(window: Browser) -> None:
    """Take a picture of a commit with outcomes, as the stand-in shows it."""
    sha, run = "3f2a91c07be5d8846a1f0c9b2e7d5538a4c6e190", "https://prefect.acme.example/runs/flow-run/1"
    async with github_running() as github, httpx.AsyncClient(base_url=github.url, trust_env=False) as client:
        for context, state, description in OUTCOMES:
            one = {"context": context, "state": state, "description": description, "target_url": run}
            headers = {"Authorization": "Bearer a-token"}
            (await client.post(f"/repos/{REPOSITORY}/statuses/{sha}", json=one, headers=headers)).raise_for_status()
        await shoot(window, f"{github.url}/{REPOSITORY}/commit/{sha}", "docs/links", "commit.png", width=COMMIT)


async def shoot_shell(stage: Stage) -> None:
    """Make pictures of the commands' output."""

    async def rows() -> None:
        await list_reports(undelivered=True, rejected=True, limit=20)

    async def details() -> None:
        found, _ = await stage.ledger.write(listing, Selection(), (Wanted.REJECTED,), limit=1)
        await show(found[0].id, as_json=False)

    await printed("reports-list.svg", "reportback reports list --undelivered --rejected", rows)
    await printed("reports-show.svg", "reportback reports show", details)


async def printed(name: str, title: str, command: Callable[[], Awaitable[object]]) -> None:
    """Make a picture of the output of *command*."""
    terminal = Console(record=True, width=120, file=io.StringIO(), highlight=False, force_terminal=True)
    with patch("console.list.results", lambda: terminal), patch("console.show.results", lambda: terminal):
        await command()
    drawn = terminal.export_svg(title=title, unique_id=name.partition(".")[0])
    (SCREENS / name).write_text(FONT.sub("", drawn), encoding="utf-8")


async def main() -> None:
    """Make all pictures."""
    chromium()
    SCREENS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="reportback-screens-") as folder:
        async with stage_in(Path(folder)) as stage, browser() as window:
            await shoot_commit(window)
            failed = await play(stage)
            pages_of_job = {"flow_run_id": {"any_": [failed]}, "type": {"any_": ["markdown"]}}
            of_job = await artifact(stage, pages_of_job, "`failure`: delivered")
            await shoot(window, of_job, "As of", "job-page.png")
            await shoot_form(stage, window)
            wanted = {"key": {"any_": [KEY]}}
            url = await artifact(stage, wanted, "3 undelivered", "1 rejected", "HTTP 503", without="pending of")
            await shoot(window, url, "As of", "operators-page.png")
            await shoot(window, url, "As of", "operators-page-dark.png", width=PHONE, is_dark=True)
            await shoot_shell(stage)


if __name__ == "__main__":
    asyncio.run(main())
