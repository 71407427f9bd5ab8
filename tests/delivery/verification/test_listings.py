"""Verification believes a list of statuses only as far as it shows the newest report."""

from datetime import timedelta

import pytest
from verifying import (
    delivered,
    kinds,
    notes,
    outcome_after_pending,
    override,
    reports,
    send_late,
    verify,
    verify_targets,
)
from world import World

from domain.delivery.report import EventKind
from fake_github.faults import Kind
from tasks.delivery import verification_reads
from tasks.delivery.verify import verify_target


async def test_reads_that_lag_behind_the_newest_repair_nothing_and_are_repeated_later(world: World) -> None:
    await outcome_after_pending(world)
    world.clock.advance(10)
    world.fault(Kind.LAG, seconds=30)
    assert await verify_targets(world) == 0
    assert (await world.target()).verify_at == world.clock.now + timedelta(minutes=1)
    world.clock.advance(60)
    assert await verify_targets(world) == 0
    await world.reconcile()
    assert world.held() == ["pending", "success"]


async def test_a_covering_status_is_repaired_once_the_reads_no_longer_lag(world: World) -> None:
    await outcome_after_pending(world)
    pending, _ = await reports(world)
    world.clock.advance(10)
    send_late(world, pending)
    world.fault(Kind.LAG, seconds=30)
    assert await verify_targets(world) == 0
    world.clock.advance(60)
    assert await verify_targets(world) == 1
    await world.deliver()
    assert world.held() == ["pending", "success", "pending", "success"]


async def test_a_status_github_never_lists_is_searched_for_a_day_and_reported_missing(
    world: World,
) -> None:
    await outcome_after_pending(world)
    world.fault(Kind.LAG, seconds=30 * 24 * 3600, times=0)
    waits = []
    while (at := (await world.target()).verify_at) is not None:
        waits.append(at - world.clock.now)
        world.clock.now = at
        assert await verify_targets(world) == 0
    assert waits[1] == timedelta(minutes=1)
    assert waits[1:] == sorted(waits[1:])
    assert waits[-1] == timedelta(hours=1)
    assert len(waits) < 40
    newest = (await reports(world))[1].github_status_id
    assert [str(newest) in note for note in await notes(world, EventKind.ABSENT)] == [True]
    assert world.held() == ["pending", "success"]


async def test_a_status_posted_between_two_page_reads_doubles_nothing(world: World) -> None:
    world.others_post(30)
    await delivered(world)
    world.others_post(99)

    async def post_one(name: str) -> None:
        if name == "GET answered" and world.asked("GET") == 1:
            override(world, "ci/one-more")

    await verify_target(await world.sender(post_one), await world.target_id())
    assert world.asked("GET") == 2
    assert EventKind.DOUBLED not in await kinds(world)


async def test_statuses_that_push_more_than_a_page_between_two_reads_repair_nothing(world: World) -> None:
    """Page 1 is of a server that lags, and shows `pending` on top; page 2 shows the newest, which is on top of it."""
    await outcome_after_pending(world)
    world.clock.advance(80)
    for number in range(150):
        override(world, f"ci/{number}")
    world.clock.advance(20)
    world.others_post(120, age=timedelta(days=1))  # there is a second page, from wherever one looks
    world.fault(Kind.LAG, seconds=130)

    async def newest_appears(name: str) -> None:
        if name == "GET answered" and world.asked("GET") == 1:
            world.fault(Kind.LAG, seconds=10)

    assert not await verify_target(await world.sender(newest_appears), await world.target_id())
    assert (await world.target()).verify_at is not None


async def test_a_list_too_long_to_read_is_believed_as_far_as_it_was_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification_reads, "MAX_PAGES", 1)
    world.others_post(150)
    pending, _ = await delivered(world)
    send_late(world, pending)
    assert await verify(world)


async def test_a_newest_beyond_the_pages_read_is_searched_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification_reads, "MAX_PAGES", 1)
    pending, _ = await delivered(world)
    world.others_post(150)
    send_late(world, pending)
    assert not await verify(world)
    assert (await world.target()).verify_at == world.clock.now + timedelta(minutes=1)
