"""Requests sent late, the limit of the promise: noticed, counted, and repaired where they cover the newest status."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from full import FULL
from sqlalchemy import Update
from sqlmodel import select, update
from verifying import delivered, kinds, reports, request_verification, send_late, verify_targets
from world import CREDENTIAL, SHA, Clock, World, accept, begin, end, order, run_job, world_on

from domain.delivery.report import EventKind, Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from fake_github.store import Draft
from storage.ledger import Ledger
from storage.models import Credential, StatusTarget
from tasks.delivery.verify import to_verify, verify_target


async def test_an_older_status_on_top_is_covered_again_by_a_new_edition(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        pending, _ = await delivered(world)
        send_late(world, pending)
        assert await verify_targets(world) == 1
        await world.deliver()
        assert world.held() == ["success", "pending", "success"]
        assert EventKind.REPAIRED in await kinds(world)
        assert [report.edition for report in await reports(world)] == [1, 2]


async def test_a_repair_of_a_report_reopened_in_bulk_does_not_wait_for_the_hour(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        pending, _ = await delivered(world)
        async with ledger.transaction() as session:
            await session.exec(update(StatusTarget).values(bulk_at=clock.now))
        send_late(world, pending)
        assert await verify_targets(world) == 1
        assert (await world.target()).bulk_at is None


async def test_an_edition_has_a_week_of_its_own(ledger: Ledger, clock: Clock) -> None:
    """What did not get through before it was delivered is forgotten."""
    async with world_on(ledger, clock) as world:
        world.fault(Kind.CLOSE, method="*", times=world.policy.expire_after_days_of_tries)
        pending, _ = await delivered(world)
        await world.reconcile(passes=world.policy.expire_after_days_of_tries + 1, every=24 * 3600)
        assert world.held() == ["success"]
        clock.advance(8 * 24 * 3600)
        send_late(world, pending)
        assert await verify_targets(world) == 1
        world.fault(Kind.CLOSE)
        await world.deliver()
        assert (await world.phases())["success"] is Phase.DUE
        await world.reconcile(passes=3, every=3600)
        assert world.held() == ["success", "pending", "success"]


async def test_a_doubled_status_is_counted_once_and_not_sent_again(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        _, outcome = await delivered(world)
        send_late(world, outcome)
        for _ in range(3):
            await verify_target(world.reporter, outcome.target_id)
        assert (await kinds(world)).count(EventKind.DOUBLED) == 1
        assert world.posts() == 1


async def test_a_status_of_another_tool_on_top_is_left_alone(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        await delivered(world)
        draft = Draft(
            repository="acme/site", sha=SHA, context="docs/sphinx", state="failure", target_url="https://x.test"
        )
        world.github.store.add(world.github.store.drafted(draft))
        assert await verify_targets(world) == 0
        assert world.posts() == 1


async def test_a_target_is_verified_a_minute_and_an_hour_after_its_delivery(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        await run_job(ledger, order())
        await request_verification(world)
        await world.deliver()
        first = (await world.target()).verify_at
        assert first == clock.now + timedelta(minutes=1)
        clock.advance(60)
        await verify_targets(world)
        assert (await world.target()).verify_at == first + timedelta(minutes=59)
        clock.advance(3540)
        await verify_targets(world)
        assert (await world.target()).verify_at is None


async def test_nothing_is_verified_while_it_is_not_delivered(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        await run_job(ledger, order())
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
async def test_nothing_is_verified_while_a_sender_sends_or_waits(ledger: Ledger, clock: Clock, what: str) -> None:
    async with world_on(ledger, clock) as world:
        _, outcome = await delivered(world)
        async with ledger.transaction() as session:
            await session.exec(IN_THE_WAY[what](clock.now + LATER))
        assert await to_verify(world.reporter) == []
        async with ledger.transaction() as session:
            await session.exec(IN_THE_WAY["a pause"](clock.now + LATER))
        assert not await verify_target(world.reporter, outcome.target_id)
        assert world.asked("GET") == 0


async def test_a_verification_ends_at_a_pause_that_begins_between_two_pages(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        _, outcome = await delivered(world)
        await run_job(ledger, order("docs/other"))
        world.others_post(250)
        world.fault(Kind.SECONDARY_LIMIT, seconds=300)

        async def pause(name: str) -> None:
            if name == "GET answered":
                await world.deliver("docs/other")

        assert not await verify_target(await world.sender(pause), outcome.target_id)
        assert world.asked("GET") == 1
        assert (await world.target()).verify_at == clock.now + timedelta(minutes=1)


async def test_a_verification_used_as_probe_does_not_end_the_next_pause(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        _, outcome = await delivered(world)
        world.others_post(250)
        async with ledger.transaction() as session:
            await session.exec(update(Credential).values(paused_until=clock.now, pause_seconds=60))
        until = clock.now + timedelta(minutes=5)
        looks = itertools.count(1)

        async def pause(name: str) -> None:
            if name == "GET" and next(looks) == 2:
                async with ledger.transaction() as session:
                    await session.exec(update(Credential).values(paused_until=until))

        await verify_target(await world.sender(pause), outcome.target_id)
        async with ledger.transaction() as session:
            assert (await session.exec(select(Credential.paused_until))).one() == until
        assert world.asked("GET") == 2


async def test_a_request_delayed_by_a_proxy_beyond_the_doubt_is_counted_and_covered_again(world: World) -> None:
    asked = order()
    await run_job(world.ledger, asked, JobState.FAILED)
    world.fault(Kind.CLOSE, stored_after=300)
    await world.deliver()
    world.clock.advance(20)
    await run_job(world.ledger, asked)
    await world.deliver()
    assert world.held() == ["success"]
    world.clock.advance(300)
    assert world.held() == ["success", "failure"]
    assert await verify_targets(world) == 1
    await world.deliver()
    assert world.held() == ["success", "failure", "success"]


async def test_a_verification_overtaken_by_a_newer_report_changes_nothing(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        pending, _ = await delivered(world)
        send_late(world, pending)

        async def overtake(name: str) -> None:
            if name == "GET answered":
                await run_job(ledger, order())

        slow = await world.sender(overtake)
        assert not await verify_target(slow, pending.target_id)
        assert [report.edition for report in await reports(world)] == [1, 1, 1, 1]


async def test_two_concurrent_verifications_make_one_edition(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        pending, _ = await delivered(world)
        send_late(world, pending)

        async def another(name: str) -> None:
            if name == "GET answered":
                assert await verify_target(world.reporter, pending.target_id)

        slow = await world.sender(another)
        assert not await verify_target(slow, pending.target_id)
        assert [report.edition for report in await reports(world)] == [1, 2]


async def test_a_commit_that_can_no_longer_be_read_is_verified_for_a_day(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        await delivered(world)
        world.fault(Kind.NOT_FOUND, method="GET", times=0)
        for _ in range(24):
            assert await verify_targets(world) == 0
            assert (await world.target()).verify_at is not None
            clock.advance(3600)
        await verify_targets(world)
        assert (await world.target()).verify_at is None
        assert world.asked("GET") == 25
        assert (await kinds(world))[-1] == EventKind.ABSENT


DAYS = 6 if FULL else 2


@pytest.mark.parametrize("away", ["no token", "a refused token", "no network", "a proxy"])
async def test_a_verification_waits_for_days_while_github_is_unavailable(
    ledger: Ledger, clock: Clock, away: str
) -> None:
    async with world_on(ledger, clock) as world:
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
            clock.advance(3600)
        world.tokens[CREDENTIAL] = token
        world.github.script.clear()
        clock.advance(3600)
        assert await verify_targets(world) == 1
        await world.deliver()
        assert world.held() == ["success", "pending", "success"]


async def test_a_verification_requested_by_a_late_sender_days_later_may_fail_once(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        execution = await accept(ledger, order())
        await begin(ledger, execution)

        async def freeze(name: str) -> None:
            """The sender of `pending` goes on only when the outcome has been delivered for three days."""
            if name == "POST":
                clock.advance(60)
                await end(ledger, execution)
                for _ in range(2):
                    await world.deliver()
                    clock.advance(3600)
                assert world.held() == ["success"]
                clock.advance(3 * 24 * 3600)

        await world.deliver(by=await world.sender(freeze))
        assert world.held() == ["success", "pending"]
        clock.advance(60)
        world.fault(Kind.SERVER_ERROR, method="GET")
        assert await verify_targets(world) == 0
        clock.advance(60)
        assert await verify_targets(world) == 1


async def test_a_commit_that_cannot_be_read_for_a_while_is_verified_afterwards(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        pending, _ = await delivered(world)
        send_late(world, pending)
        world.fault(Kind.NOT_FOUND, method="GET")
        assert await verify_targets(world) == 0
        clock.advance(60)
        assert await verify_targets(world) == 1


async def test_a_refused_verification_pauses_the_credential_and_is_retried_later(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock) as world:
        await delivered(world)
        world.fault(Kind.BAD_CREDENTIALS, method="GET")
        assert await verify_targets(world) == 0
        async with ledger.transaction() as session:
            paused_until = (await session.exec(select(Credential.paused_until))).one()
        assert paused_until == clock.now + timedelta(minutes=1)
        assert await verify_targets(world) == 0
        assert world.asked("GET") == 1
        clock.advance(3600)
        assert await verify_targets(world) == 0
        assert world.asked("GET") == 2
        assert (await world.target()).verify_at is None
