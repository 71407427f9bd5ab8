"""Reading back finds a report wherever its status is listed, and mistakes no other status for it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_jobs import CREDENTIAL, SHA, order, run_job
from sqlmodel import select
from transactions import at
from world import World

from domain.delivery.outcome import Reason
from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from fake_github.store import Draft, Stored
from storage.delivery import reports
from storage.models import StatusReport

pytestmark = pytest.mark.parametrize("database", ["sqlite"])  # what is read back does not depend on it

PAGE = 100
DAY = 24 * 60 * 60
SETTLE_AFTER = 20
CONTEXTS = ("docs/sphinx", "DOCS/SPHINX", "docs/sphinx/2", "ci/build")
LINKS = (None, "https://ci.test/runs/7", f"https://github.com/acme/site/commit/{SHA}", "https://ci.test/#report-7")


def post_by_others(world: World, count: int) -> None:
    """As many statuses of other tools on our commit, under our context and others, linked like ours and otherwise."""
    for number in range(count):
        draft = Draft(
            repository="acme/site", sha=SHA, context=CONTEXTS[number % 4], state="success", description="41 pages",
            target_url=LINKS[number // 4 % 4],
        )  # fmt: skip
        world.github.store.add(world.github.store.drafted(draft))


async def newest(world: World) -> StatusReport:
    newest_id = (await world.target()).newest_id
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(StatusReport).where(StatusReport.id == newest_id)).one()


async def marked(world: World) -> list[Stored]:
    """The statuses at GitHub with the current report's marker."""
    mark = (await newest(world)).marker
    return [one for one in world.github.store.held() if mark in (one.target_url or "")]


async def in_doubt(world: World, *, stored: bool, url: str | None = None, context: str = "docs/sphinx") -> None:
    """A job's outcome in doubt."""
    asked = order(context)
    await run_job(world.ledger, replace(asked, url=url or asked.url))
    world.fault(Kind.CLOSE, where="after" if stored else "before")
    await world.deliver()
    world.clock.advance(1)


@pytest.mark.parametrize("pages", [1, 2, 10])
async def test_it_is_found_on_whatever_page_it_is(world: World, pages: int) -> None:
    await in_doubt(world, stored=True)
    post_by_others(world, pages * PAGE - 1)
    await world.deliver()
    assert (world.asked("GET"), world.posts()) == (pages, 1)
    assert [one.id for one in await marked(world)] == [(await newest(world)).github_status_id]


async def test_it_is_sent_again_only_when_all_ten_pages_do_not_show_it(world: World) -> None:
    await in_doubt(world, stored=False)
    post_by_others(world, 10 * PAGE)
    world.clock.advance(SETTLE_AFTER)
    await world.deliver()
    assert (world.asked("GET"), world.posts(), len(await marked(world))) == (10, 2, 1)


@pytest.mark.parametrize("stored", [True, False])
async def test_our_own_older_reports_of_the_same_target_do_not_answer_for_it(world: World, *, stored: bool) -> None:
    for state in (JobState.FAILED, JobState.SUCCEEDED, JobState.SUCCEEDED):
        await run_job(world.ledger, order(), state)
        await world.deliver()
    await in_doubt(world, stored=stored)
    await world.reconcile()
    assert world.held() == ["failure", "success", "success", "success"]
    assert [one.id for one in await marked(world)] == [(await newest(world)).github_status_id]


@pytest.mark.parametrize("stored", [True, False])
async def test_a_context_in_another_letter_case_is_the_same_context(world: World, *, stored: bool) -> None:
    """GitHub compares contexts without regard to case, so both jobs have one target."""
    await run_job(world.ledger, order("docs/sphinx"), JobState.FAILED)
    await world.deliver()
    await in_doubt(world, stored=stored, context="DOCS/Sphinx")
    await world.reconcile()
    assert [one.state for one in world.github.store.held()] == ["failure", "success"]
    assert len(await marked(world)) == 1


@pytest.mark.parametrize(
    "url",
    ["https://ci.test/run?id=7", "https://ci.test/run#L5", "https://ci.test/?a=b&c#/a/route", "https://ci.test"],
)
@pytest.mark.parametrize("stored", [True, False])
async def test_a_link_with_a_query_or_fragment_of_its_own_keeps_it_and_is_found(
    world: World, url: str, *, stored: bool
) -> None:
    await in_doubt(world, stored=stored, url=url)
    await world.reconcile()
    [status] = await marked(world)
    assert (world.held(), world.posts()) == (["success"], 1 if stored else 2)
    for part in url.replace("#", "?").split("?"):
        assert part in (status.target_url or "")


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("kind", [Kind.NOT_FOUND, Kind.FORBIDDEN])
async def test_a_commit_that_is_hidden_for_some_days_is_read_back_once_it_is_shown(
    world: World, kind: Kind, *, stored: bool
) -> None:
    await in_doubt(world, stored=stored)
    world.fault(kind, method="GET", times=2)
    await world.reconcile(passes=5, every=DAY)
    assert (await newest(world)).rejection is None
    assert (world.held(), world.posts()) == (["success"], 1 if stored else 2)


async def test_a_commit_that_is_hidden_for_good_is_given_up_in_the_end_and_found_once_reopened(world: World) -> None:
    """GitHub may hold the report, so no answer to a read rejects it."""
    await in_doubt(world, stored=True)
    world.fault(Kind.NOT_FOUND, method="GET", times=0)
    await world.reconcile(passes=14 * 2, every=DAY // 2)
    report = await newest(world)
    assert (report.rejection, world.posts()) == (Reason.EXPIRED, 1)
    world.github.script.clear()
    with world.ledger.transaction() as tx:
        assert reports.reopen(at(tx, actor="ann"), report.id or 0, credential=CREDENTIAL)
    await world.deliver()
    assert (world.held(), world.posts()) == (["success"], 1)


@pytest.mark.parametrize("stored", [True, False])
async def test_a_read_with_bad_credentials_is_made_again_once_they_are_good(world: World, *, stored: bool) -> None:
    await in_doubt(world, stored=stored)
    world.fault(Kind.BAD_CREDENTIALS, method="GET", times=3)
    await world.reconcile(passes=60, every=60)
    assert (world.held(), world.posts()) == (["success"], 1 if stored else 2)
    assert (await world.phases())["success"] is Phase.DELIVERED


async def test_a_day_on_which_github_answers_no_request_but_reads_ends_in_one_status(world: World) -> None:
    """Each request is searched for before the next, none counts as stored, and the report is not given up."""
    world.fault(Kind.SERVER_ERROR, times=0)
    await run_job(world.ledger, order())
    began = world.clock.now
    await world.reconcile(passes=DAY // 300, every=300)
    assert (world.held(), (await world.phases())["success"]) == ([], Phase.DUE)
    asked = world.posts()
    assert 24 <= asked <= 40  # an hour apart in the end
    world.github.script.clear()
    await world.reconcile(passes=13, every=300)
    assert (world.held(), world.posts()) == (["success"], asked + 1)
    delivered_at = (await newest(world)).delivered_at
    assert delivered_at is not None
    assert delivered_at - began < timedelta(days=1, hours=1, minutes=5)
