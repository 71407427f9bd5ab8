"""A clock that jumps by an hour or a year, ahead or back, at any effect of a delivery causes no second status.

On SQLite the host's wall clock jumps, below the ledger's own clock. On PostgreSQL the ledger's clock is the server's:
set back it allows no other request, set ahead none that a lease guards.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import TypeAlias
from uuid import uuid4

import pytest
from full import FULL
from in_place import open_in_place
from log_lines import nothing_logged
from sqlmodel.ext.asyncio.session import AsyncSession
from timed_host import TimedHost
from ways import reply_lost, request_lost, stored_late, straight
from world import Clock, World, accept, begin, order, run_job, world_on

from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from domain.delivery.report import Phase
from fake_github.faults import Kind
from storage.delivery.availability import Busy
from storage.ledger import Ledger
from tasks.delivery.deliver_due import deliver_due
from tasks.delivery.open_reporter import EstimatedClock
from tasks.delivery.reporter import Reporter
from tasks.jobs.lost import end_lost_jobs

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
JUMPS = (HOUR, -HOUR, YEAR, -YEAR)
ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

Way: TypeAlias = Callable[[World, Reporter, str], Awaitable[object]]


async def throttled(world: World, sender: Reporter, context: str) -> None:
    world.fault(Kind.SECONDARY_LIMIT, seconds=30, context=context)
    await world.deliver(context, by=sender)


POLICY = Policy(first_delay=timedelta(seconds=2), budget=WriteBudget())
WAYS = (straight, reply_lost, request_lost, stored_late, throttled)
EACH_WAY = pytest.mark.parametrize("way", WAYS)
EVERY = 1 if FULL else 3
"""The distance of the effects at which a clock jumps, on each way from another one on."""


async def a_pass(world: World, *, lasts: float = 50) -> None:
    reporter = world.reporter
    with nothing_logged():
        await end_lost_jobs(reporter)
        await deliver_due(reporter, uuid4(), budget=timedelta(seconds=lasts), senders=2)


Jump: TypeAlias = Callable[[timedelta], object]


async def at_effects(
    world: World, way: Way, jump: Jump, jumps: Sequence[timedelta], *, every: int = EVERY
) -> list[str]:
    """Take *way* for one context after another; the clock jumps *every* effects later, and is put right after it.

    It jumps by each of *jumps* in turn. Another process begins a reconciliation run at that moment. The last context is
    one without a jump.
    """
    contexts: list[str] = []
    for number in count(WAYS.index(way) % every, every):
        contexts.append(f"docs/{number}")
        await run_job(world.ledger, order(contexts[-1]))
        effects = count()

        async def step(name: str, number: int = number, effects: "count[int]" = effects) -> None:
            if next(effects) == number:
                jump(jumps[number % len(jumps)])
                if name != "commit":  # the ledger is locked
                    await a_pass(world, lasts=0.5)

        await way(world, await world.sender(step), contexts[-1])
        world.github.script.clear()
        world.clock.advance(60)
        jump(timedelta(0))
        if next(effects) <= number:
            break
    return contexts


async def assert_one_status_each(world: World, contexts: list[str], *, every: int = EVERY) -> None:
    assert len(contexts) >= 8 // every
    assert {context: world.held(context) for context in contexts} == {context: ["success"] for context in contexts}


@ON_SQLITE
@EACH_WAY
@pytest.mark.parametrize("first", range(len(JUMPS) if FULL else 1))
async def test_a_wall_clock_that_jumps_makes_no_second_status(
    fresh_url: str, clock: Clock, way: Way, first: int
) -> None:
    host = TimedHost(clock)
    async with on_host(fresh_url, host) as world:

        def jump(by: timedelta) -> None:
            host.wrong_by = by

        contexts = await at_effects(world, way, jump, JUMPS[first:] + JUMPS[:first])
        await a_pass(world)
        await assert_one_status_each(world, contexts)


@asynccontextmanager
async def on_host(url: str, host: TimedHost) -> AsyncIterator[World]:
    """Make a world whose ledger and senders use the clock of *host*."""
    kept = EstimatedClock(host.of_ledger(), lambda: host.true.now - host.booted_at)
    async with open_in_place(url, host.of_ledger()) as opened:
        ledger = replace(opened, clock=kept)
        await ledger.now()
        async with world_on(ledger, host.true, policy=POLICY, now=kept.now) as world:
            yield world


@dataclass
class WrongClock:
    """A ledger's clock that is wrong by `by`: a PostgreSQL server's."""

    true: Clock
    by: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.true.now + self.by

    async def of_ledger(self, _: AsyncSession) -> datetime:
        return self.now()

    def jump(self, by: timedelta) -> None:
        self.by = by


@pytest.fixture
def wrong(clock: Clock) -> WrongClock:
    return WrongClock(clock)


@pytest.fixture
async def world(ledger: Ledger, wrong: WrongClock) -> AsyncIterator[World]:
    its = replace(ledger, clock=wrong.of_ledger)
    async with world_on(its, wrong.true, policy=POLICY, now=wrong.now) as made:
        yield made


@EACH_WAY
@pytest.mark.parametrize("jumps", [(-HOUR, -YEAR), (-YEAR, -HOUR)] if FULL else [(-HOUR, -YEAR)])
async def test_a_ledgers_clock_that_is_set_back_makes_no_second_status(
    world: World, wrong: WrongClock, way: Way, jumps: Sequence[timedelta]
) -> None:
    contexts = await at_effects(world, way, wrong.jump, jumps)
    await a_pass(world)
    await assert_one_status_each(world, contexts)


async def test_a_ledgers_clock_that_jumps_ahead_of_a_lease_makes_no_second_status(
    world: World, wrong: WrongClock
) -> None:
    contexts = await at_effects(world, straight, wrong.jump, (HOUR, YEAR), every=1)
    await a_pass(world)
    await assert_one_status_each(world, contexts, every=1)


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

    await world.deliver(by=replace(sender, token_of=held_up))
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


async def test_a_reconciliation_run_ends_though_the_clock_is_set_back(world: World, wrong: WrongClock) -> None:
    """It would stay for an hour otherwise: its time is the ledger's."""
    await run_job(world.ledger, order())
    world.fault(Kind.CLOSE)

    async def back(name: str) -> None:
        if name == "POST":
            wrong.jump(-HOUR)

    sender = await world.sender(back)
    with nothing_logged():
        await deliver_due(sender, uuid4(), budget=timedelta(minutes=5), senders=1)
    assert world.posts() == 1
    await a_pass(world)
    assert world.held() == ["success"]
