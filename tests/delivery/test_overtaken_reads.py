"""While a report is searched for, a newer one comes, its lease runs out, or the list changes."""

from datetime import timedelta

from ledger_jobs import order, run_job
from ways import in_doubt, ours
from world import World

from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery.availability import Busy, Settled


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
