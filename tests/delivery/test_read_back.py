"""Reading back: a report in doubt is searched for before it is sent again; only its own marker counts."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from full import thinned
from sqlmodel import select, update
from world import CREDENTIAL, SHA, World, accept, begin, end, order, run_job

from domain.delivery.outcome import NotSent, Reason
from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery import reports
from storage.delivery.availability import Busy, Settled
from storage.models import Credential, StatusReport


async def in_doubt(world: World, *, stored: bool) -> None:
    """A job's outcome of which we do not know whether GitHub has it."""
    world.fault(Kind.CLOSE, where="after" if stored else "before")
    await run_job(world.ledger, order())
    await world.deliver()


async def marked_url(world: World) -> str:
    async with world.ledger.transaction() as session:
        return (await session.exec(select(StatusReport.target_url).where(StatusReport.state == "success"))).one()


def ours(world: World) -> list[str]:
    return [one.state for one in world.github.store.held() if one.target_url and "#report-" in one.target_url]


async def test_it_is_found_on_the_third_page(world: World) -> None:
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
    async with world.ledger.transaction() as session:
        found = (await session.exec(select(StatusReport.github_status_id).where(StatusReport.state == "success"))).one()
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
    async with world.ledger.transaction() as session:
        await session.exec(update(Credential).values(github_time=world.clock.now + timedelta(days=1)))
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
        "https://x.test/#report-",
        f"https://x.test/#report-{'0' * 24}",
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


async def test_reads_that_lag_are_waited_for(world: World) -> None:
    await in_doubt(world, stored=True)
    world.clock.advance(1)
    world.fault(Kind.LAG, seconds=5)
    busy = await world.deliver()
    assert isinstance(busy, Busy)
    assert busy.until == (await world.target()).doubt_until == (await world.target()).due_at
    await world.reconcile()
    assert (world.held(), world.posts()) == (["success"], 1)


REFUSED_READS: dict[str, dict[str, object]] = {
    "404": {"kind": Kind.NOT_FOUND},
    "403": {"kind": Kind.FORBIDDEN},
    "403, single sign-on": {"kind": Kind.SSO},
    "410": {"kind": Kind.GONE},
    "451": {"kind": Kind.BLOCKED},
    "422": {"kind": Kind.NO_SUCH_COMMIT},
    "403 of a proxy": {"kind": Kind.INTERMEDIARY},
    "407": {"kind": Kind.INTERMEDIARY, "status": 407},
    "401 of a proxy": {"kind": Kind.INTERMEDIARY, "status": 401, "body": {"message": "Who are you?"}},
    "302 to a log-in page": {"kind": Kind.INTERMEDIARY, "status": 302, "location": "https://login.test/"},
    "200 with a log-in page": {"kind": Kind.INTERMEDIARY, "status": 200},
}


@pytest.mark.parametrize("database", ["sqlite"])  # what is made of an answer does not depend on it
@pytest.mark.parametrize(("refusal", "stored"), thinned(REFUSED_READS, (True, False)))
async def test_a_refused_read_rejects_nothing_starts_no_doubt_and_is_made_again_at_growing_distances(
    world: World, refusal: str, *, stored: bool
) -> None:
    await in_doubt(world, stored=stored)
    doubt = (await world.target()).doubt_until
    world.fault(times=0, method="GET", **REFUSED_READS[refusal])  # type: ignore[arg-type]  # the fields of a fault
    await world.reconcile(passes=24, every=3600)
    assert ((await world.target()).doubt_until, world.posts()) == (doubt, 1)
    assert (await world.phases())["success"] is Phase.DUE
    assert 12 <= world.asked("GET") <= 24
    world.github.script.clear()
    await world.reconcile(passes=3, every=3600)
    assert (world.held(), world.posts()) == (["success"], 1 if stored else 2)


async def test_a_refused_read_says_why_the_report_waits(world: World) -> None:
    await in_doubt(world, stored=True)
    world.fault(Kind.NOT_FOUND, method="GET")
    settled = await world.deliver()
    assert isinstance(settled, Settled)
    assert settled.outcome == NotSent("reading back, HTTP 404: Not Found", Reason.NOT_FOUND)
    assert (await world.target()).last_error == "not_found: reading back, HTTP 404: Not Found"
    assert (await world.events())[-2:] == ["claimed", "not_sent"]


async def test_a_read_with_bad_credentials_pauses_them_and_the_report_stays_due(world: World) -> None:
    await in_doubt(world, stored=True)
    world.fault(Kind.BAD_CREDENTIALS, method="GET")
    await world.deliver()
    busy = await world.deliver()
    assert isinstance(busy, Busy)
    assert str(Reason.BAD_CREDENTIALS) in busy.why
    await world.reconcile()
    assert (world.held(), world.posts()) == (["success"], 1)


@pytest.mark.parametrize("kind", [Kind.SERVER_ERROR, Kind.CLOSE, Kind.HTML, Kind.TRUNCATE])
async def test_a_read_that_fails_starts_no_doubt_and_leaves_the_report_due(world: World, kind: Kind) -> None:
    await in_doubt(world, stored=False)
    doubt = (await world.target()).doubt_until
    world.clock.advance(20)
    world.fault(kind, method="GET")
    await world.deliver()
    assert (await world.target()).doubt_until == doubt
    assert (await world.phases())["success"] is Phase.DUE
    await world.deliver()
    assert world.held() == ["success"]


async def test_a_newer_report_waits_for_the_doubt_of_the_one_it_supersedes(world: World) -> None:
    world.fault(Kind.CLOSE, stored_after=10)
    await run_job(world.ledger, order(), JobState.FAILED)
    await world.deliver()
    await run_job(world.ledger, order())
    world.clock.advance(19)
    busy = await world.deliver()
    assert isinstance(busy, Busy)
    assert busy.until == world.clock.now + timedelta(seconds=1)
    world.clock.advance(1)
    await world.deliver()
    assert world.held() == ["failure", "success"]
    assert world.asked("GET") == 0  # what never was in doubt itself is not looked for


async def test_a_newer_report_that_comes_while_reading_is_sent_in_its_place(world: World) -> None:
    await in_doubt(world, stored=False)
    world.clock.advance(20)

    async def overtake(name: str) -> None:
        if name == "GET":
            await run_job(world.ledger, order(), JobState.FAILED)

    assert isinstance(await world.deliver(by=await world.sender(overtake)), Busy)
    await world.reconcile()
    assert world.held() == ["failure"]


async def test_a_lease_that_ran_out_while_reading_does_not_send(world: World) -> None:
    await in_doubt(world, stored=False)
    world.clock.advance(20)

    async def stall(name: str) -> None:
        if name == "GET answered":
            world.clock.advance(30)
            await world.deliver()

    assert isinstance(await world.deliver(by=await world.sender(stall)), Busy)
    assert world.posts() == 1
    await world.reconcile()
    assert world.held() == ["success"]


async def test_a_long_read_keeps_its_lease(world: World) -> None:
    await in_doubt(world, stored=False)
    world.clock.advance(20)
    world.others_post(350)

    async def slowly(name: str) -> None:
        if name == "GET":
            world.clock.advance(14)
            assert isinstance(await world.deliver(), Busy)

    await world.deliver(by=await world.sender(slowly))
    assert ours(world) == ["success"]


async def between_two_pages(world: World, *, stored: bool) -> Settled | Busy:
    """Read back a report that moves to the second page, which a server that lags begins further down."""
    await in_doubt(world, stored=stored)
    world.clock.advance(5)
    world.others_post(95)
    world.clock.advance(20)
    world.others_post(8)
    world.clock.advance(1)

    async def lag(name: str) -> None:
        if name == "GET" and world.asked("GET") == 1:
            world.fault(Kind.LAG, seconds=5)

    return await world.deliver(by=await world.sender(lag))


async def test_a_status_between_two_pages_of_disagreeing_servers_is_not_sent_again(world: World) -> None:
    busy = await between_two_pages(world, stored=True)
    assert isinstance(busy, Busy)
    assert busy.until == world.clock.now + timedelta(seconds=20)
    await world.reconcile()
    assert (ours(world), world.posts()) == (["success"], 1)


async def test_an_absent_report_is_sent_once_the_list_no_longer_changes(world: World) -> None:
    await between_two_pages(world, stored=False)
    assert world.posts() == 1
    await world.reconcile()
    assert (ours(world), world.posts()) == (["success"], 2)


async def test_an_ever_changing_list_is_believed_ten_minutes_after_the_doubt(world: World) -> None:
    await in_doubt(world, stored=False)
    world.others_post(150)
    tries = 0
    while world.posts() == 1 and tries < 15:
        world.clock.advance(60)
        world.others_post(2)
        await world.deliver()
        tries += 1
    assert (tries, ours(world)) == (11, ["success"])


async def test_one_page_is_believed_however_young_it_is(world: World) -> None:
    await in_doubt(world, stored=False)
    world.clock.advance(20)
    world.others_post(50)
    await world.deliver()
    assert ours(world) == ["success"]


async def try_often(world: World) -> None:
    for _ in range(8):
        await world.deliver()
        world.clock.advance(60)


async def test_five_requests_that_github_accepts_and_never_shows_are_enough(world: World) -> None:
    world.fault(Kind.ODD_SUCCESS, times=0)
    await run_job(world.ledger, order())
    await try_often(world)
    assert world.posts() == 5
    assert str((await world.target()).last_error).startswith(Reason.UNVERIFIABLE)


async def test_a_fifth_request_that_is_shown_is_delivered(world: World) -> None:
    world.fault(Kind.ODD_SUCCESS, times=4)
    world.fault(Kind.ODD_SUCCESS, where="after")
    await run_job(world.ledger, order())
    await try_often(world)
    assert (world.held(), world.posts()) == (["success"], 5)


async def test_other_failures_do_not_count_as_accepted(world: World) -> None:
    world.fault(Kind.SERVER_ERROR, times=6)
    await run_job(world.ledger, order())
    await try_often(world)
    assert (world.held(), world.posts()) == (["success"], 7)


async def test_once_reopened_it_has_five_requests_again(world: World) -> None:
    world.fault(Kind.ODD_SUCCESS, times=9)
    await run_job(world.ledger, order())
    await try_often(world)
    newest = (await world.target()).newest_id or 0
    async with world.ledger.transaction() as session:
        assert await reports.reopen(session, newest, credential=CREDENTIAL, actor="ann", now=world.clock.now)
    await try_often(world)
    assert (world.held(), world.posts()) == (["success"], 10)


async def test_another_job_of_the_same_commit_is_never_found_in_its_place(world: World) -> None:
    """Both link to one page; only the markers differ."""
    await run_job(world.ledger, order(flow_run_id=uuid4()))
    await world.deliver()
    await in_doubt(world, stored=False)
    await world.reconcile()
    assert world.held() == ["success", "success"]


@pytest.mark.parametrize("database", ["sqlite"])
async def test_pages_that_are_linked_by_an_inner_name_are_read_on_the_configured_host(world: World) -> None:
    world.fault(Kind.INNER_LINKS, method="GET", times=0)
    await in_doubt(world, stored=True)
    world.others_post(250)
    await world.deliver()
    assert (world.asked("GET"), world.posts(), ours(world)) == (3, 1, ["success"])
