"""What Prefect's UI shows in Chromium: light and dark, on a phone and on a desktop, in both versions."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from chromium import Browser, browser, chromium
from e2e_rig import Server
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import ArtifactCreate

from domain.delivery.report import EventKind, Phase
from domain.delivery.target import StatusState, Target
from domain.jobs.job_states import JobState
from domain.operations import job_page, status_page
from domain.operations.job_history import Blockers, Event, JobHistory, ReportHistory
from domain.operations.metrics import Pause
from domain.operations.overview import SLOTS, Day, Listed, Overview, Refusals, Slot, day_before
from domain.operations.status_page import Links
from local import stack

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

LEGIBLE = (Path(__file__).parent / "legible.js").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 23, 21, 17, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LONG = "a_word_that_is_longer_than_any_line_of_a_telephone_" * 3
SITES = (Target("acme/site", "3f2a91c0" * 5, "docs/sphinx"), Target(f"acme/{LONG}", "3f2a91c0" * 5, LONG))
VERSIONS = ("v2", "v1")


def operators() -> str:
    """The operator's page with something of everything, names of any length."""
    blockers = Blockers(due_at=NOW, paused_until=NOW + 4 * MINUTE, pause_reason="secondary_limit")
    due = [
        Listed(41, uuid4(), site, StatusState.SUCCESS, Phase.DUE, NOW - 12 * MINUTE, blockers, LONG) for site in SITES
    ]
    slots = tuple(Slot(number, number * MINUTE, 2 * number * MINUTE) for number in range(SLOTS))
    day = Day(day_before(NOW), dict.fromkeys(Phase, 1412), 2817, slots, MINUTE, 95 * MINUTE)
    reasons = ("archived", "no_such_commit", "unverifiable", "too_many_statuses")
    seen = Overview(
        NOW, 9000, tuple(due), tuple(Refusals(one, 9, tuple(due)) for one in reasons),
        (Pause("env:REPORTBACK_GITHUB_TOKEN", NOW + MINUTE, "bad_credentials"),), day,
    )  # fmt: skip
    links = Links(lambda job: f"https://prefect.example/{job}", lambda target: f"https://github.com/{target.sha}")
    return status_page.page(seen, links)


def jobs() -> str:
    """A job's page, with events and output."""
    actor, request = "task of sphinx 3f2a91c acme/site", "C0DE:1234:56789AB:CDEF012:3456789A"
    events = tuple(Event(NOW, kind, actor, 502, request, f"unknown: {LONG}") for kind in EventKind)
    reports = tuple(
        ReportHistory(number, number // 2, state, phase, Blockers(NOW), 30111222333, "archived", events)
        for number, (state, phase) in enumerate(zip(StatusState, Phase, strict=False), start=1)
    )
    job = JobHistory("sphinx", {"tag": LONG}, SITES[1], 1, JobState.FAILED, NOW, NOW, f"exit code 2: {LONG}", reports)
    return job_page.page(
        job, at=NOW, tail=["loading ...", LONG, "done"], note="nothing to do", commit_url="https://github.com/acme/x",
        flow_run_url="https://prefect.example/runs/flow-run/1",
    )  # fmt: skip


PAGES = {"operators": operators, "jobs": jobs}


@dataclass(frozen=True, slots=True)
class Screens:
    """A Prefect server that holds the pages, and a browser. `addresses`: by page and version of the UI."""

    window: Browser
    addresses: dict[tuple[str, str], str]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def screens(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Screens]:
    chromium()
    folder, port = tmp_path_factory.mktemp("screens"), stack.free_port()
    base = f"http://127.0.0.1:{port}"
    server = Server(
        folder, {**stack.inherited(), **stack.prefect_settings(folder / "prefect", f"{base}/api")}, port, None
    )
    await server.start()
    try:
        async with browser() as window:
            yield Screens(window, await shown_at(base))
    finally:
        await server.stop()


async def shown_at(base: str) -> dict[tuple[str, str], str]:
    async with PrefectClient(f"{base}/api") as client:
        addresses = {}
        for name, made in PAGES.items():
            artifact = ArtifactCreate(key=name, type="markdown", data=made(), description="**3 undelivered**")
            number = (await client.create_artifact(artifact)).id
            addresses[name, "v1"] = f"{base}/artifacts/artifact/{number}"
            addresses[name, "v2"] = f"{base}/v2/artifacts/artifact/{number}"
        return addresses


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
async def test_a_page_is_legible_and_never_scrolls_sideways(
    screens: Screens, version: str, name: str, width: int, *, is_dark: bool
) -> None:
    async with screens.window.page(width=width, is_dark=is_dark) as page:
        await page.open(screens.addresses[name, version])
        await page.shows("As of 2026-11-23")
        await asyncio.wait_for(page.value("document.fonts.ready.then(() => true)"), 30)
        if folder := os.environ.get("SCREENS"):
            (Path(folder) / f"{name}-{version}-{width}-{is_dark}.png").write_bytes(await page.screenshot())
        assert await page.value(LEGIBLE) == []


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<p style="color: #999">pale</p>', "2.85:1 of 4.5: pale"),
        (f"<p>{LONG}{LONG}</p>", "too wide: <p>"),
        ('<p style="width: 2000px">wide</p>', "the page scrolls sideways"),
        ('<img alt="gone" src="data:image/png;base64,">', "an image does not show, or has no words"),
    ],
)
async def test_what_cannot_be_read_is_found(screens: Screens, html: str, found: str) -> None:
    async with screens.window.page(width=390) as page:
        await page.value(f"document.body.innerHTML = `<div><h2>A page</h2>{html}<p>As of now</p></div>`")
        assert found in " ".join(await page.value(LEGIBLE))
