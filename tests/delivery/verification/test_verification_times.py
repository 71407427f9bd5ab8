"""When a target is verified: after its delivery, while no sender sends or waits, and for how long."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from full import FULL
from ledger_jobs import CREDENTIAL, accept, begin, end, order, run_job
from sqlalchemy import Update
from sqlmodel import select, update
from verifying import (
    delivered,
    kinds,
    request_verification,
    send_late,
    verify_targets,
)
from world import World

from domain.delivery.report import EventKind
from fake_github.faults import Kind
from storage.delivery import verification
from storage.models import Credential, StatusTarget
from tasks.delivery.verify import to_verify, verify_target


async def test_a_target_is_verified_a_minute_and_an_hour_after_its_delivery(world: World) -> None:
    await run_job(world.ledger, order())
    await request_verification(world)
    await world.deliver()
    first = (await world.target()).verify_at
    assert first == world.clock.now + timedelta(minutes=1)
    world.clock.advance(60)
    await verify_targets(world)
    assert (await world.target()).verify_at == first + timedelta(minutes=59)
    world.clock.advance(3540)
    await verify_targets(world)
    assert (await world.target()).verify_at is None


async def test_nothing_is_verified_while_it_is_not_delivered(world: World) -> None:
    await run_job(world.ledger, order())
    await request_verification(world)
    assert await to_verify(world.reporter) == []
    target = await world.target()
    assert not await verify_target(world.reporter, target.id or 0)
    assert world.asked("GET") == 0


LATER = timedelta(seconds=10)
IN_THE_WAY: dict[str, Callable[[datetime], Update]] = {
    "a lease": lambda at: update(StatusTarget).values(
        lease=uuid4(), lease_expires_at=at, sending_id=StatusTarget.newest_id
    ),
    "a doubt": lambda at: update(StatusTarget).values(doubt_until=at),
    "a pause": lambda at: update(Credential).values(paused_until=at),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
async def test_nothing_is_verified_while_a_sender_sends_or_waits(world: World, what: str) -> None:
    _, outcome = await delivered(world)
    with world.ledger.transaction() as tx:
        tx.session.exec(IN_THE_WAY[what](world.clock.now + LATER))
    assert await to_verify(world.reporter) == []
    with world.ledger.transaction() as tx:
        tx.session.exec(IN_THE_WAY["a pause"](world.clock.now + LATER))
    assert not await verify_target(world.reporter, outcome.target_id)
    assert world.asked("GET") == 0


async def test_a_verification_ends_at_a_pause_that_begins_between_two_pages(world: World) -> None:
    _, outcome = await delivered(world)
    await run_job(world.ledger, order("docs/other"))
    world.others_post(250)
    world.fault(Kind.SECONDARY_LIMIT, seconds=300)

    async def pause(name: str) -> None:
        if name == "GET answered":
            await world.deliver("docs/other")

    assert not await verify_target(await world.sender(pause), outcome.target_id)
    assert world.asked("GET") == 1
    assert (await world.target()).verify_at == world.clock.now + timedelta(minutes=1)


async def test_a_verification_used_as_probe_does_not_end_the_next_pause(world: World) -> None:
    _, outcome = await delivered(world)
    world.others_post(250)
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Credential).values(paused_until=world.clock.now, pause_seconds=60))
    until = world.clock.now + timedelta(minutes=5)
    looks = itertools.count(1)

    async def pause(name: str) -> None:
        if name == "GET" and next(looks) == 2:
            with world.ledger.transaction() as tx:
                tx.session.exec(update(Credential).values(paused_until=until))

    await verify_target(await world.sender(pause), outcome.target_id)
    with world.ledger.transaction() as tx:
        assert tx.session.exec(select(Credential.paused_until)).one() == until
    assert world.asked("GET") == 2


async def test_a_commit_that_can_no_longer_be_read_is_verified_for_a_day(world: World) -> None:
    await delivered(world)
    world.fault(Kind.NOT_FOUND, method="GET", times=0)
    for _ in range(24):
        assert await verify_targets(world) == 0
        assert (await world.target()).verify_at is not None
        world.clock.advance(3600)
    await verify_targets(world)
    assert (await world.target()).verify_at is None
    assert world.asked("GET") == 25
    assert (await kinds(world))[-1] == EventKind.ABSENT


DAYS = 6 if FULL else 2


@pytest.mark.parametrize("away", ["no token", "a refused token", "no network", "a proxy"])
async def test_a_verification_waits_for_days_while_github_is_unavailable(world: World, away: str) -> None:
    pending, _ = await delivered(world)
    send_late(world, pending)
    token = world.tokens[CREDENTIAL]
    match away:
        case "no token":
            del world.tokens[CREDENTIAL]
        case "a refused token":
            world.fault(Kind.BAD_CREDENTIALS, method="*", times=0)
        case "no network":
            world.fault(Kind.CLOSE, method="*", times=0)
        case _:
            world.fault(Kind.INTERMEDIARY, method="*", times=0)
    for _ in range(DAYS * 24):
        assert await verify_targets(world) == 0
        world.clock.advance(3600)
    world.tokens[CREDENTIAL] = token
    world.github.script.clear()
    world.clock.advance(3600)
    assert await verify_targets(world) == 1
    await world.deliver()
    assert world.held() == ["success", "pending", "success"]


async def test_a_verification_requested_by_a_late_sender_days_later_may_fail_once(world: World) -> None:
    execution = await accept(world.ledger, order())
    await begin(world.ledger, execution)

    async def freeze(name: str) -> None:
        """The sender of `pending` goes on only when the outcome has been delivered for three days."""
        if name == "POST":
            world.clock.advance(60)
            await end(world.ledger, execution)
            for _ in range(2):
                await world.deliver()
                world.clock.advance(3600)
            assert world.held() == ["success"]
            world.clock.advance(3 * 24 * 3600)

    await world.deliver(by=await world.sender(freeze))
    assert world.held() == ["success", "pending"]
    world.clock.advance(60)
    world.fault(Kind.SERVER_ERROR, method="GET")
    assert await verify_targets(world) == 0
    world.clock.advance(60)
    assert await verify_targets(world) == 1


async def test_a_commit_that_cannot_be_read_for_a_while_is_verified_afterwards(world: World) -> None:
    pending, _ = await delivered(world)
    send_late(world, pending)
    world.fault(Kind.NOT_FOUND, method="GET")
    assert await verify_targets(world) == 0
    world.clock.advance(60)
    assert await verify_targets(world) == 1


async def test_a_refused_verification_pauses_the_credential_and_is_retried_later(world: World) -> None:
    await delivered(world)
    world.fault(Kind.BAD_CREDENTIALS, method="GET")
    assert await verify_targets(world) == 0
    with world.ledger.transaction() as tx:
        paused_until = tx.session.exec(select(Credential.paused_until)).one()
    assert paused_until == world.clock.now + timedelta(minutes=1)
    assert await verify_targets(world) == 0
    assert world.asked("GET") == 1
    world.clock.advance(3600)
    assert await verify_targets(world) == 0
    assert world.asked("GET") == 2
    assert (await world.target()).verify_at is None


async def test_a_verification_requested_during_another_is_made(world: World) -> None:
    """The status of a sender that comes back late may be stored after the page was read."""
    pending, _ = await delivered(world)

    async def come_back_late(name: str) -> None:
        if name == "GET answered":
            send_late(world, pending)
            await world.ledger.write(verification.schedule, await world.target_id())

    assert not await verify_target(await world.sender(come_back_late), await world.target_id())
    assert (await world.target()).verify_at == world.clock.now + timedelta(minutes=1)
    world.clock.advance(60)
    assert await verify_targets(world) == 1
