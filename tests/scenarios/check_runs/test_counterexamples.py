"""Each rule of the check runs' protocol: what would go wrong without it, run through the real code."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from actors import Actor, send, sender_at
from check_promise import assert_shown_once
from check_worlds import finish, run_checked, runs, shown, start, world_of_check_runs
from exactly_once import verify_later
from full import SQLITE_OR_ALL
from world import Clock, World

from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery.availability import Busy
from storage.ledger import Ledger

OLD, NEW = UUID(int=1), UUID(int=2)
LEASE, SETTLE_AFTER = 30, 20

pytestmark = pytest.mark.parametrize("database", SQLITE_OR_ALL)


@pytest.fixture
async def world(ledger: Ledger, clock: Clock) -> AsyncIterator[World]:
    async with world_of_check_runs(ledger, clock) as made:
        yield made


async def test_one_lease_while_one_creates_the_other_waits(world: World) -> None:
    await run_checked(world)
    one = await sender_at(world, before="POST")
    assert isinstance(await world.deliver(), Busy)
    await one.finish()
    await assert_shown_once(world)


async def test_read_back_a_run_that_a_dead_sender_made_is_found(world: World) -> None:
    await run_checked(world)
    one = await sender_at(world, before="POST")
    await one.go()
    await one.die()
    world.clock.advance(LEASE + SETTLE_AFTER)
    await world.deliver()
    await assert_shown_once(world)
    assert world.posts() == 1


async def test_numbered_a_conclusion_that_a_dead_sender_sent_is_found(world: World) -> None:
    await run_checked(world)
    one = await sender_at(world, before="PATCH")
    await one.go()
    await one.die()
    world.clock.advance(LEASE + SETTLE_AFTER)
    await world.deliver()
    await assert_shown_once(world)
    assert world.asked("PATCH") == 1


async def test_doubt_waits_a_conclusion_stored_late_is_not_sent_beside_it(world: World) -> None:
    await run_checked(world)
    world.fault(Kind.CLOSE, method="PATCH", stored_after=9)
    await world.deliver()
    for _ in range(4):
        await world.deliver()
        world.clock.advance(3)
    await world.reconcile()
    await assert_shown_once(world)
    assert world.asked("PATCH") == 1


async def test_look_after_reading_one_that_lost_its_lease_meanwhile_does_not_conclude(world: World) -> None:
    await run_checked(world)
    world.fault(Kind.CLOSE, method="PATCH")
    await world.deliver()
    world.clock.advance(SETTLE_AFTER + 1)
    one = await sender_at(world, before="GET")
    await one.go()
    world.clock.advance(LEASE + 1)
    await world.reconcile()
    await one.finish()
    await assert_shown_once(world)


async def test_check_lease_one_whose_lease_ran_out_does_not_send(world: World) -> None:
    await run_checked(world)
    one = await Actor.on(world, send)
    await one.go()
    world.clock.advance(LEASE + 1)
    await world.reconcile()
    await one.finish()
    await assert_shown_once(world)


async def test_settle_names_lease_a_late_settle_changes_nothing(world: World) -> None:
    await run_checked(world)
    one = await sender_at(world, before="PATCH")
    await one.go()
    world.clock.advance(LEASE + SETTLE_AFTER + 1)
    await world.deliver()
    await one.finish()
    await assert_shown_once(world)
    assert world.asked("PATCH") == 1


async def test_close_before_create_the_newer_is_the_last_that_was_made_and_that_ended(world: World) -> None:
    await start(world, flow_run_id=OLD)
    await world.deliver()
    world.clock.advance(5)
    world.fault(Kind.CLOSE, method="PATCH")
    await finish(world, await start(world, flow_run_id=NEW))
    await world.deliver()
    assert shown(world) == [("in_progress", 0)]  # nothing newer while the close is in doubt
    await world.reconcile()
    await assert_shown_once(world)
    assert shown(world) == [("cancelled", 0), ("success", 3)]


@pytest.mark.parametrize("where", ["before", "after"])
async def test_close_looks_an_older_run_whose_create_is_in_doubt_is_looked_for(world: World, where: str) -> None:
    await start(world, flow_run_id=OLD)
    world.fault(Kind.CLOSE, method="POST", where=where)
    await world.deliver()
    await finish(world, await start(world, flow_run_id=NEW))
    await world.reconcile()
    await assert_shown_once(world)
    assert len(runs(world)) == (2 if where == "after" else 1)


async def test_refused_close_is_closed_a_deleted_run_holds_up_nothing(world: World) -> None:
    await start(world, flow_run_id=OLD)
    await world.deliver()
    world.github.delete_check_run(runs(world)[0].id)
    await finish(world, await start(world, flow_run_id=NEW))
    await world.reconcile()
    await assert_shown_once(world)


async def test_refused_goes_plain_a_run_does_not_stay_open_for_its_annotations(world: World) -> None:
    await run_checked(world)
    world.fault(Kind.TOO_MANY, method="PATCH")
    await world.deliver()
    assert shown(world) == [("success", 0)]


async def test_amended_a_lost_end_whose_reply_was_lost_never_covers_its_own(world: World) -> None:
    execution = await start(world)
    await finish(world, execution, JobState.LOST, warnings=0)
    world.fault(Kind.CLOSE, method="PATCH", stored_after=9)
    await world.deliver()
    await finish(world, execution)
    await world.reconcile()
    await assert_shown_once(world)


async def test_github_settles_fields_that_lag_are_not_believed_against_shown_annotations(world: World) -> None:
    await run_checked(world)
    world.fault(Kind.CLOSE, method="PATCH", where="after")
    await world.deliver()
    world.clock.advance(SETTLE_AFTER + 1)
    world.fault(Kind.LAG, seconds=3600, fields=("external_id", "conclusion", "status"), endpoint="check_run")
    await world.deliver()
    await world.reconcile()
    assert shown(world) == [("success", 3)]


async def test_nobody_sleeps_a_create_sent_late_is_counted_and_the_newer_shown_again(world: World) -> None:
    await start(world, flow_run_id=OLD)
    late = await sender_at(world, before="POST")
    world.clock.advance(LEASE + SETTLE_AFTER + 1)
    await finish(world, await start(world, flow_run_id=NEW))
    await world.reconcile()
    await late.finish()
    assert [state for state, _ in shown(world)] == ["success", "in_progress"]
    await verify_later(world)
    await world.reconcile()
    assert shown(world) == [("success", 3), ("cancelled", 0), ("success", 0)]
    assert "repaired" in await world.events()


async def test_nobody_sleeps_a_second_run_gets_the_same_conclusion_without_annotations(world: World) -> None:
    await run_checked(world)
    late = await sender_at(world, before="POST")
    world.clock.advance(LEASE + SETTLE_AFTER + 1)
    await world.reconcile()
    await late.finish()
    assert [state for state, _ in shown(world)] == ["success", "in_progress"]
    await verify_later(world)
    await world.reconcile()
    assert shown(world) == [("success", 3), ("success", 0)]
    assert "doubled" in await world.events()
    assert (await world.target()).due_at is None


async def test_nobody_sleeps_however_many_runs_turn_up_each_gets_the_same_conclusion(world: World) -> None:
    await run_checked(world)
    late = []
    for _ in range(3):
        late.append(await sender_at(world, before="POST"))
        world.clock.advance(LEASE + SETTLE_AFTER + 1)
    await world.reconcile()
    for one in late:
        await one.finish()
    for _ in range(8):
        await verify_later(world)
        await world.reconcile()
    assert shown(world) == [("success", 3), *[("success", 0)] * 3]
    assert (await world.target()).due_at is None


async def test_a_run_that_github_deleted_is_made_again_with_its_lines(world: World) -> None:
    execution = await start(world)
    await world.deliver()
    world.github.delete_check_run(runs(world)[0].id)
    await finish(world, execution)
    await world.reconcile(every=40)
    assert shown(world) == [("success", 3)]


async def test_a_run_made_stale_after_a_fortnight_is_concluded(world: World) -> None:
    execution = await start(world)
    await world.deliver()
    world.clock.advance(15 * 24 * 60 * 60)
    assert shown(world) == [("stale", 0)]
    await finish(world, execution)
    await world.deliver()
    assert shown(world) == [("success", 3)]


async def test_a_number_that_github_does_not_keep_shows_each_line_once_all_the_same(world: World) -> None:
    await run_checked(world)
    world.fault(Kind.LAG, seconds=10**6, fields=("external_id",), endpoint="check_run", times=0)
    world.fault(Kind.CLOSE, method="PATCH", where="after")
    await world.deliver()
    await world.reconcile()
    assert shown(world) == [("success", 3)]
    assert (await world.target()).due_at is None
