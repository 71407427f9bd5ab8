"""Reading back: a report in doubt is searched for before it is sent again; only its own marker counts."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from full import thinned
from ledger_jobs import SHA, accept, begin, end, order, run_job
from sqlmodel import select, update
from ways import in_doubt, ours
from world import World

from domain.delivery.report import Phase
from fake_github.faults import Kind
from storage.delivery.availability import Settled
from storage.models import Credential, StatusReport


async def marked_url(world: World) -> str:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(StatusReport.target_url).where(StatusReport.state == "success")).one()


@pytest.mark.parametrize("linked_by", ["the configured name", "an inner name"])
async def test_it_is_found_on_the_third_page(world: World, linked_by: str) -> None:
    """It is read on the configured host, whatever name the link to it has."""
    if linked_by == "an inner name":
        world.fault(Kind.INNER_LINKS, method="GET", times=0)
    await in_doubt(world, stored=True)
    world.clock.advance(1)
    world.others_post(250)
    settled = await world.deliver()
    assert isinstance(settled, Settled)
    assert settled.phase is Phase.DELIVERED
    assert (world.asked("GET"), world.posts()) == (3, 1)
    assert (await world.events())[-1] == "found"


@pytest.mark.parametrize("between", [0, 150])
async def test_a_copy_of_its_link_in_another_context_is_not_taken_for_it(world: World, between: int) -> None:
    """As of a tool that sums up a commit's statuses: by the copy's id nothing that covers ours would be noticed."""
    await in_doubt(world, stored=True)
    own = world.github.store.held()[-1]
    world.clock.advance(1)
    world.others_post(between)
    world.github.store.add(world.github.store.drafted(replace(own, context="ci/summary")))
    await world.deliver()
    with world.ledger.transaction() as tx:
        found = tx.session.exec(select(StatusReport.github_status_id).where(StatusReport.state == "success")).one()
    assert (found, world.posts()) == (own.id, 1)


async def test_a_report_listed_only_in_another_context_is_not_sent_again(world: World) -> None:
    """As if GitHub had changed the context."""
    await in_doubt(world, stored=False)
    mark = await marked_url(world)
    world.others_post(1, url=mark)
    world.clock.advance(20)
    await world.deliver()
    assert ((await world.phases())["success"], world.posts()) == (Phase.DELIVERED, 1)


async def test_every_page_is_read_before_it_is_sent_again(world: World) -> None:
    await in_doubt(world, stored=False)
    world.others_post(250)
    world.clock.advance(20)
    await world.deliver()
    assert (world.asked("GET"), world.posts()) == (3, 2)
    assert ours(world) == ["success"]


async def answered_once(world: World) -> None:
    """Have GitHub answer the credential once, so that its time is known."""
    await run_job(world.ledger, order("docs/other"))
    await world.deliver("docs/other")


@pytest.mark.parametrize(("seconds", "pages"), [(59, 3), (61, 2)])
async def test_reading_stops_a_minute_before_githubs_time_when_the_report_was_recorded(
    world: World, seconds: int, pages: int
) -> None:
    world.others_post(250, age=timedelta(seconds=seconds))
    await answered_once(world)
    await in_doubt(world, stored=False)
    world.clock.advance(20)
    await world.deliver()
    assert (world.asked("GET"), world.held()[-1]) == (pages, "success")


async def test_reading_goes_on_to_the_end_without_a_time_of_githubs(world: World) -> None:
    world.others_post(250, age=timedelta(days=400))
    await in_doubt(world, stored=False)
    world.clock.advance(20)
    await world.deliver()
    assert (world.asked("GET"), ours(world)) == (3, ["success"])


async def test_reading_goes_on_to_the_end_where_githubs_time_is_ahead(world: World) -> None:
    """As an intermediary with a wrong clock might have."""
    await answered_once(world)
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Credential).values(github_time=world.clock.now + timedelta(days=1)))
    await in_doubt(world, stored=True)
    world.clock.advance(1)
    world.others_post(150)
    world.clock.advance(20)
    await world.deliver()
    assert (world.asked("GET"), ours(world)) == (2, ["success", "success"])  # of two contexts


JUMPS = [timedelta(0), timedelta(hours=1), timedelta(days=400), -timedelta(hours=1), -timedelta(days=400)]
AT = ("before it is recorded", "once its reply is lost")
LATER = (timedelta(seconds=20), timedelta(minutes=70))


@pytest.mark.parametrize(("jump", "at", "later", "is_known"), thinned(JUMPS, AT, LATER, (True, False)))
@pytest.mark.parametrize("database", ["sqlite"])  # times are passed in
async def test_a_report_is_found_below_many_others_whatever_our_clock_says(
    world: World, jump: timedelta, at: str, later: timedelta, *, is_known: bool
) -> None:
    ahead = timedelta(0)

    def set_clock() -> None:
        nonlocal ahead
        ahead += jump
        world.clock.now += jump

    world.github.store.clock = lambda: world.clock.now - ahead
    if is_known:
        await answered_once(world)
    if at == "before it is recorded":
        set_clock()
    await in_doubt(world, stored=True)
    if at == "once its reply is lost":
        set_clock()
    for _ in range(3):  # on every page some that are younger, and some that are older
        world.others_post(50)
        world.clock.advance(later.total_seconds() / 3)
    await world.deliver()
    assert world.held().count("success") == 75 + 1
    assert (world.posts(), world.asked("GET")) == (1 + is_known, 2)


@pytest.mark.parametrize(
    "url",
    [
        None,
        f"https://github.com/acme/site/commit/{SHA}",
        "https://x.test/#:~:report=",
        f"https://x.test/#:~:report={'0' * 24}",
    ],
)
async def test_no_status_of_another_tool_is_mistaken_for_a_report(world: World, url: str | None) -> None:
    await in_doubt(world, stored=False)
    world.others_post(10, url=url)
    world.clock.advance(20)
    await world.deliver()
    assert world.posts() == 2
    assert (await world.events())[-1] == "delivered"


async def test_reports_of_other_contexts_and_executions_are_not_mistaken_for_it(world: World) -> None:
    execution = await accept(world.ledger, order())
    await world.deliver()
    await run_job(world.ledger, order("docs/other"))
    await world.deliver("docs/other")
    await begin(world.ledger, execution)
    await end(world.ledger, execution)
    world.fault(Kind.CLOSE)
    await world.deliver()
    await world.reconcile()
    assert world.held() == ["pending", "success"]


async def test_another_job_of_the_same_commit_is_never_found_in_its_place(world: World) -> None:
    """Both link to one page; only the markers differ."""
    await run_job(world.ledger, order(flow_run_id=uuid4()))
    await world.deliver()
    await in_doubt(world, stored=False)
    await world.reconcile()
    assert world.held() == ["success", "success"]
