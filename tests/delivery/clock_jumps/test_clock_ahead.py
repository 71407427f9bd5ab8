"""What was written while the ledger's clock was an hour or a year ahead holds nothing up once it is right again."""

from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_jobs import accept, begin, order, run_job
from timed_host import HOUR, POLICY, YEAR, WrongClock, a_pass
from world import World

from domain.delivery.budget import WriteBudget
from domain.delivery.report import Phase
from fake_github.faults import Kind
from storage.delivery.availability import Busy

AHEAD = pytest.mark.parametrize("by", [HOUR, YEAR])


@AHEAD
async def test_a_report_recorded_while_the_clock_was_ahead_is_delivered_within_a_run(
    world: World, wrong: WrongClock, by: timedelta
) -> None:
    """Beside what was sent then, which counts in the write budget, and a pause, a doubt and a job that died."""
    wrong.jump(by)
    await run_job(world.ledger, order("docs/sent"))
    await world.deliver("docs/sent")
    dead = await accept(world.ledger, order("docs/dead"))
    await begin(world.ledger, dead)
    await run_job(world.ledger, order("docs/doubt"))
    world.clock.advance(1)
    world.fault(Kind.CLOSE, context="docs/doubt")
    await world.deliver("docs/doubt")
    await run_job(world.ledger, order("docs/paused"))
    world.clock.advance(1)
    world.fault(Kind.SECONDARY_LIMIT, seconds=5, context="docs/paused")
    await world.deliver("docs/paused")
    await run_job(world.ledger, order("docs/unsent"))
    wrong.jump(timedelta(0))
    await a_pass(world)
    ended = ("docs/sent", "docs/doubt", "docs/paused", "docs/unsent")
    assert {context: world.held(context) for context in ended} == {context: ["success"] for context in ended}
    world.clock.advance(10)
    await a_pass(world)
    assert world.held("docs/dead") == ["pending", "error"]


@AHEAD
async def test_a_lease_that_was_taken_while_the_clock_was_ahead_is_its_holders_for_its_whole_length(
    world: World, wrong: WrongClock, by: timedelta
) -> None:
    await run_job(world.ledger, order())
    wrong.jump(by)
    seen: list[timedelta] = []

    async def while_it_is_sent(name: str) -> None:
        if name == "POST":
            wrong.jump(timedelta(0))
            await a_pass(world, lasts=0.5)
            busy = await world.deliver()
            assert isinstance(busy, Busy)
            seen.append(busy.until - wrong.now())

    await world.deliver(by=await world.sender(while_it_is_sent))
    assert timedelta(seconds=15) < seen[0] <= timedelta(seconds=30)
    assert world.held() == ["success"]
    assert (await world.phases())["success"] is Phase.DELIVERED


@AHEAD
async def test_a_sender_delayed_past_a_shortened_lease_sends_nothing(
    world: World, wrong: WrongClock, by: timedelta
) -> None:
    """It remembers a lease that lasts for an hour."""
    await run_job(world.ledger, order())
    wrong.jump(by)
    sender = await world.sender()

    async def held_up(name: str) -> str:
        wrong.jump(timedelta(0))
        for seconds in (30, 30, 30, 0):
            await a_pass(world, lasts=0.5)
            world.clock.advance(seconds)
        await a_pass(world)
        return await world.token_of(name)

    await world.deliver(by=replace(sender, secret_of=held_up))
    assert world.posts() == 1
    assert world.held() == ["success"]


@AHEAD
@pytest.mark.parametrize("asked_by", ["a pass", "a claim"])
async def test_a_doubt_of_a_clock_that_was_ahead_lasts_its_whole_length_and_no_longer(
    world: World, wrong: WrongClock, by: timedelta, asked_by: str
) -> None:
    await run_job(world.ledger, order())
    wrong.jump(by)
    world.fault(Kind.CLOSE)
    await world.deliver()
    wrong.jump(timedelta(0))
    await (a_pass(world, lasts=0.5) if asked_by == "a pass" else world.deliver())
    doubt_until = (await world.target()).doubt_until
    assert doubt_until is not None
    assert timedelta(seconds=19) <= doubt_until - wrong.now() <= timedelta(seconds=20)


@AHEAD
async def test_a_request_sent_while_the_clock_was_ahead_uses_budget_no_longer_than_one_sent_now(
    world: World, wrong: WrongClock, by: timedelta
) -> None:
    """Without a reconciliation run between: the next claim corrects it."""
    await run_job(world.ledger, order("docs/sent"))
    wrong.jump(by)
    await world.deliver("docs/sent")
    wrong.jump(timedelta(0))
    await run_job(world.ledger, order("docs/next"))
    one_a_minute = replace(POLICY, budget=WriteBudget(per_minute=1))
    busy = await world.deliver("docs/next", by=replace(world.reporter, policy=one_a_minute))
    assert isinstance(busy, Busy)
    assert timedelta(seconds=30) < busy.until - wrong.now() <= timedelta(minutes=1)


@AHEAD
async def test_a_secret_that_was_refused_while_the_clock_was_ahead_waits_for_its_minute_only(
    world: World, wrong: WrongClock, by: timedelta
) -> None:
    await run_job(world.ledger, order())
    wrong.jump(by)
    world.fault(Kind.BAD_CREDENTIALS)
    await world.deliver()
    wrong.jump(timedelta(0))
    await a_pass(world, lasts=0.5)
    world.clock.advance(60)
    await a_pass(world)
    assert world.held() == ["success"]


async def test_a_pause_that_github_named_is_not_cut(world: World, wrong: WrongClock) -> None:
    await run_job(world.ledger, order())
    world.fault(Kind.SECONDARY_LIMIT, seconds=3000)
    await world.deliver()
    until = wrong.now() + timedelta(seconds=3000)
    await a_pass(world)
    assert isinstance(busy := await world.deliver(), Busy)
    assert busy.until == until
