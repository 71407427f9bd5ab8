"""Pauses that GitHub asks for are kept by every sender, and end with a single half-open probe."""

import itertools
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import pytest
from ledger_jobs import order, run_job
from sqlmodel import select
from steps import Step
from world import Clock, World, world_on

from domain.delivery.report import EventKind
from fake_github.faults import Kind
from storage.delivery.availability import Busy, Settled
from storage.ledger import open_ledger
from storage.models import Credential
from storage.operations.metrics import snapshot

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SQLITE = pytest.mark.parametrize("database", ["sqlite"])


def in_(seconds: float) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


def used_up(reset_in: float) -> dict[str, str]:
    return {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW.timestamp() + reset_in))}


HOUR = 3600
WAYS: dict[str, tuple[Mapping[str, str], int]] = {
    "seconds": ({"retry-after": "120"}, 120),
    "a date": ({"retry-after": in_(90)}, 90),
    "a date, by a clock that is an hour ahead": ({"retry-after": in_(HOUR + 90), "date": in_(HOUR)}, 90),
    "a date, by a clock that is a day behind": ({"retry-after": in_(90 - 24 * HOUR), "date": in_(-24 * HOUR)}, 90),
    "the reset": (used_up(300), 301),
    "the reset, by a clock that is an hour ahead": (used_up(HOUR + 300) | {"date": in_(HOUR)}, 301),
    "seconds rather than the reset": (used_up(300) | {"retry-after": "7"}, 7),
    "nothing": ({}, 60),
    "no sense": ({"retry-after": "soon", "x-ratelimit-reset": "later"}, 60),
    "a date long ago": ({"retry-after": in_(-HOUR)}, 60),
    "the reset long ago": (used_up(-HOUR), 60),
    "ages": ({"retry-after": "999999999"}, HOUR),
    "a date in another age": ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, HOUR),
    "more digits than a time has": ({"retry-after": "9" * 400}, 60),
}


@SQLITE
@pytest.mark.parametrize("way", WAYS)
async def test_no_request_is_made_before_the_time_github_names_in(world: World, way: str) -> None:
    headers, seconds = WAYS[way]
    world.fault(Kind.ANSWER, status=429, headers=headers, body={"message": "slow down"})
    await run_job(world.ledger, order())
    assert isinstance(await world.deliver(), Settled)
    world.clock.advance(seconds - 1)
    assert isinstance(await world.deliver(), Busy)
    assert world.posts() == 1
    world.clock.advance(1)
    await world.deliver()
    assert world.held() == ["success"]
    assert await world.events() == ["recorded", "claimed", "posted", "throttled", "claimed", "posted", "delivered"]


async def test_a_limit_spends_nothing_of_a_report(world: World) -> None:
    """Neither does its own waiting time begin, nor the week after which nothing more is tried."""
    world.fault(Kind.SECONDARY_LIMIT, seconds=HOUR, times=8)
    await run_job(world.ledger, order())
    for _ in range(8):
        await world.deliver()
        assert (await world.target()).due_at == world.clock.now
        world.clock.advance(24 * HOUR)
    world.fault(Kind.CLOSE)
    await world.deliver()
    world.clock.advance(20)
    await world.deliver()
    assert world.held() == ["success"]


async def test_a_pause_holds_for_every_sender_after_a_restart(world: World, clock: Clock, ledger_url: str) -> None:
    world.fault(Kind.SECONDARY_LIMIT, seconds=300)
    for context in ("docs/a", "docs/b"):
        await run_job(world.ledger, order(context))
    await world.deliver("docs/a")
    async with open_ledger(ledger_url, clock=clock.of_ledger) as again, world_on(again, clock) as other:
        clock.advance(299)
        assert isinstance(await other.deliver("docs/b"), Busy)
        assert other.posts() == 0
        clock.advance(1)
        await other.deliver("docs/b")
        assert other.held("docs/b") == ["success"]


async def test_after_a_pause_no_sender_sends_before_the_probe_is_answered(world: World) -> None:
    contexts = [f"docs/{number}" for number in range(4)]
    for context in contexts:
        await run_job(world.ledger, order(context))
    world.fault(Kind.SECONDARY_LIMIT, seconds=300)
    await world.deliver(contexts[0])
    world.clock.advance(300)
    meanwhile = []

    async def try_the_others(name: str) -> None:
        if name in ("POST", "POST answered"):
            meanwhile.extend([await world.deliver(context) for context in contexts[1:]])

    await world.deliver(contexts[0], by=await world.sender(try_the_others))
    assert [type(result) for result in meanwhile] == [Busy] * 6
    assert world.posts() == 2
    for context in contexts[1:]:
        await world.deliver(context)
    assert [world.held(context) for context in contexts] == [["success"]] * 4


async def in_doubt(world: World, *contexts: str) -> None:
    """Outcomes of which we do not know whether GitHub has them; from now on they may be sent again."""
    world.fault(Kind.CLOSE, times=len(contexts))
    for context in contexts:
        await run_job(world.ledger, order(context))
        await world.deliver(context)
    world.clock.advance(20)


def at(effect: str, number: int, do: Callable[[], Awaitable[object]]) -> Step:
    """What a sender does at the *number*-th of an effect, counted from 1."""
    left = itertools.count(1)

    async def step(name: str) -> None:
        if name == effect and next(left) == number:
            await do()

    return step


@pytest.mark.parametrize(("effect", "number"), [("committed", 1), ("GET", 1), ("GET answered", 1), ("committed", 3)])
async def test_a_pause_that_begins_while_another_reads_back_holds_that_one_too(
    world: World, effect: str, number: int
) -> None:
    await in_doubt(world, "docs/a", "docs/b")
    world.fault(Kind.SECONDARY_LIMIT, seconds=300)
    pausing = at(effect, number, partial(world.deliver, "docs/a"))
    result = await world.deliver("docs/b", by=await world.sender(pausing))
    assert isinstance(result, Busy)
    assert result.until == world.clock.now + timedelta(seconds=300)
    assert world.posts() == 3
    world.clock.advance(300)
    for context in ("docs/a", "docs/b"):
        await world.deliver(context)
        assert world.held(context) == ["success"]


async def test_a_pause_that_begins_after_a_claim_holds_its_request(world: World) -> None:
    for context in ("docs/a", "docs/b"):
        await run_job(world.ledger, order(context))
    world.fault(Kind.SECONDARY_LIMIT, seconds=300)
    pausing = at("committed", 1, partial(world.deliver, "docs/a"))
    assert isinstance(await world.deliver("docs/b", by=await world.sender(pausing)), Busy)
    assert world.posts() == 1
    assert (await world.events("docs/b"))[-1] == "throttled"
    assert (await world.target("docs/b")).due_at == world.clock.now + timedelta(seconds=300)
    figures = await world.ledger.write(snapshot)
    assert figures.tries[EventKind.THROTTLED] == 1, "GitHub was asked once"


SKEWS = [timedelta(hours=2), -timedelta(hours=2), timedelta(days=400), -timedelta(days=400)]


@pytest.mark.parametrize("named", ["reset", "retry-after"])
@pytest.mark.parametrize("skew", SKEWS)
@SQLITE  # times are passed in
async def test_a_time_that_github_names_is_as_far_ahead_as_by_its_own_clock(
    world: World, skew: timedelta, named: str
) -> None:
    """However far our clocks are from its own."""
    world.github.store.clock = lambda: world.clock.now - skew
    at = format_datetime(world.clock.now - skew + timedelta(minutes=10), usegmt=True)
    world.fault(Kind.PRIMARY_LIMIT, seconds=600, headers={"retry-after": at} if named == "retry-after" else {})
    await run_job(world.ledger, order())
    await world.deliver()
    with world.ledger.transaction() as tx:
        credential = tx.session.exec(select(Credential)).one()
    wait = timedelta(minutes=10, seconds=named == "reset")  # the second named has to be over
    assert credential.paused_until == world.clock.now + wait
    assert credential.rate_reset_at == world.clock.now + timedelta(minutes=10)
    world.clock.advance(599)
    await world.deliver()
    assert world.posts() == 1
    world.clock.advance(2)
    await world.deliver()
    assert world.held() == ["success"]


async def test_a_pause_that_begins_between_two_pages_ends_the_reading(world: World) -> None:
    await in_doubt(world, "docs/a", "docs/b")
    world.others_post(250)
    world.clock.advance(10)
    world.fault(Kind.SECONDARY_LIMIT, seconds=300)
    reads = world.asked("GET")
    pausing = at("GET answered", 1, partial(world.deliver, "docs/a"))
    assert isinstance(await world.deliver("docs/b", by=await world.sender(pausing)), Busy)
    assert (world.asked("GET") - reads, world.posts()) == (1 + 3, 3)
    assert (await world.events("docs/b"))[-1] == "throttled"


async def test_a_probe_that_reads_for_long_is_the_only_one_all_the_while(world: World) -> None:
    await in_doubt(world, "docs/a")
    await run_job(world.ledger, order("docs/b"))
    world.others_post(250)
    world.fault(Kind.SECONDARY_LIMIT, seconds=300)
    await world.deliver("docs/b")
    world.clock.advance(300)
    meanwhile = []

    async def read_slowly(name: str) -> None:
        if name == "GET":
            world.clock.advance(14)
        if name in ("GET", "POST"):
            meanwhile.append(type(await world.deliver("docs/b")))

    await world.deliver("docs/a", by=await world.sender(read_slowly))
    assert (meanwhile, world.held("docs/a")) == ([Busy] * 4, ["success"])
    await world.deliver("docs/b")
    assert world.held("docs/b") == ["success"]
