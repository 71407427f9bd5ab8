"""Prefect's UI in Chromium, on a whole installation: the start form and Retry."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from chromium import Browser, Page, browser, chromium
from e2e_rig import Rig, rig_in
from e2e_run import STARTS, Run
from real_processes import adopt_orphans, offspring
from waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(600)]

NAME = "from-the-form"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    chromium()
    adopt_orphans()
    others = set(offspring(os.getpid()))
    folder = tmp_path_factory.mktemp("ui")
    (folder / "logs").mkdir()
    try:
        async with rig_in(folder / "rig", folder / "logs") as made:
            yield made
    finally:
        for pid in set(offspring(os.getpid())) - others:
            with suppress(ProcessLookupError):  # over meanwhile
                os.kill(pid, signal.SIGKILL)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def window(rig: Rig) -> AsyncIterator[Browser]:
    assert rig.api_url
    async with browser() as opened:
        yield opened


def ui(rig: Rig) -> str:
    return rig.api_url.removesuffix("/api") + "/v2"


def named(kind: str, words: str) -> str:
    """The element of a kind with exactly the text *words*."""
    return f"[...document.querySelectorAll('{kind}')].find(one => one.innerText.trim() === '{words}')"


def field(label: str) -> str:
    """What a label of the form is for."""
    return f"document.getElementById(({named('label', label)})?.htmlFor)"


async def open_form(rig: Rig, page: Page) -> None:
    """The form of docs-job, as its deployment's Run button opens it."""
    await page.open(f"{ui(rig)}/deployments")
    await page.click(named("a", "docs-job"))
    await page.click(named("button", "Run"))
    await page.click(named("[role=menuitem]", "Custom run"))
    await page.shows("Repository", "Submit")


async def choose(page: Page, job: str) -> None:
    """Take *job* from the open drop-down: by no place on the screen, since the list moves while it opens."""
    await page.holds(named("[role=option]", job))
    await page.value(f"{named('[role=option]', job)}.click()")
    await page.holds(f"{named('main button', job)} && !document.querySelector('[role=option]')")


async def fill(page: Page, sha: str) -> None:
    await page.click(named("main button", "Select"))
    await choose(page, "told")
    await page.write("document.querySelector('main .cm-content')", f'{{"name": "{NAME}"}}')
    await page.write(field("Repository"), "acme/site")
    await page.write(field("Sha"), sha)
    await page.write(field("Context (Optional)"), f"docs/{NAME}")


async def started(rig: Rig) -> list[str]:
    """The ids of all flow runs of docs-job."""
    states = ("SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return await rig.prefect.runs("docs-job/docs-job", *states)


async def test_the_form_explains_its_fields_and_refuses_a_bad_commit_by_name(rig: Rig, window: Browser) -> None:
    before = await started(rig)
    async with window.page(height=1400) as page:
        await open_form(rig, page)
        await page.shows(
            "What to run. told:",
            "What the job type lets you choose, by name, as JSON.",
            "The commit to run for and to report on.",
            "The repository on GitHub, as owner/name.",
            "The whole hash of the commit, 40 hexadecimal digits; no branch, no abbreviation.",
            "Under which name the outcome shows on the commit.",
            "Where the outcome links to, http or https.",
        )
        await page.click(named("main button", "Select"))
        offered = "[...document.querySelectorAll('[role=option]')].map(one => one.innerText.trim())"
        await page.holds(named("[role=option]", "told"))
        assert set(await page.value(offered)) >= {"told", "told-in-time", "told-alone"}
        await choose(page, "told")
        await page.write(field("Repository"), "acme/site")
        await page.write(field("Sha"), "abc")
        await page.click(named("main button", "Submit"))
        await page.shows("'target.sha'", "'abc' does not match '^[0-9a-fA-F]{40}$'")
    assert await started(rig) == before


async def test_a_job_started_in_the_form_shows_on_its_commit_and_a_retry_sends_nothing(
    rig: Rig, window: Browser
) -> None:
    before, sha = set(await started(rig)), rig.commit(NAME)
    async with window.page(height=1400) as page:
        await open_form(rig, page)
        await fill(page, sha)
        await page.click(named("main button", "Submit"))
        await page.shows("scheduled to start now")
        (run_id,) = set(await started(rig)) - before
        run = Run(run_id, NAME, sha, f"docs/{NAME}", rig.folder / "jobs" / NAME, rig.github, rig.prefect, rig.ledger)
        run.go()
        await run.shows("pending", "success", within=STARTS)
        await run.is_over("COMPLETED", within=STARTS)
        await press_retry(rig, page, run)
        await run.says("nothing to do: the job succeeded before, and GitHub has its outcome", within=STARTS)
        await run.is_over("COMPLETED", within=STARTS)
    assert await run.states() == ["pending", "success"]
    assert run.executions == 1


async def press_retry(rig: Rig, page: Page, run: Run) -> None:
    """As a person does: the run's page, its menu, Retry, and once more in the dialog; until it has begun."""
    await page.open(f"{ui(rig)}/runs/flow-run/{run.id}")
    await page.shows("Completed")
    menu = "document.querySelector('main button[aria-haspopup=menu]:not([role=combobox])')"
    await page.click(menu)
    await page.click(named("[role=menuitem]", "Retry"))
    await page.click(named("[role=dialog] button, [role=alertdialog] button", "Retry"))

    async def has_begun() -> bool:
        return (await run.state()).name != "Completed"

    await until(has_begun, within=STARTS, what="the run to be retried")
