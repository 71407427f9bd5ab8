"""Each rule of the protocol: the interleaving that would go wrong without it, run through the real code.

The last two are assumptions, not rules: where one fails a status is doubled, which is noticed and counted.
"""

from uuid import UUID

import pytest
from actors import Actor, sender_at
from exactly_once import assert_counted_duplicate, assert_exactly_once
from full import SQLITE_OR_ALL
from ledger_jobs import accept, begin, end, order, run_job
from world import World

from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery.availability import Busy

OLD, NEW = UUID(int=1), UUID(int=2)
LEASE, SETTLE_AFTER = 30, 20

pytestmark = pytest.mark.parametrize("database", SQLITE_OR_ALL)


async def posted(world: World) -> Actor:
    """One that has its 201, and has not settled."""
    actor = await sender_at(world, before="POST")
    await actor.go()
    return actor


async def in_doubt(world: World) -> None:
    """Record an outcome whose request was lost and whose doubt has ended."""
    await run_job(world.ledger, order())
    world.fault(Kind.CLOSE)
    await world.deliver()
    world.clock.advance(SETTLE_AFTER)


async def test_one_lease_while_one_sends_the_other_waits(world: World) -> None:
    await run_job(world.ledger, order())
    one = await sender_at(world, before="POST")
    assert isinstance(await world.deliver(), Busy)
    await one.finish()
    await assert_exactly_once(world)
    assert world.held() == ["success"]


async def test_newest_only_a_report_recorded_too_late_to_be_current_is_not_sent(world: World) -> None:
    old, new = [await accept(world.ledger, order(flow_run_id=run)) for run in (OLD, NEW)]
    await begin(world.ledger, new)
    await end(world.ledger, new)
    await world.deliver()
    await end(world.ledger, old, JobState.FAILED)
    await world.deliver()
    await assert_exactly_once(world)
    assert world.held() == ["success"]


async def test_read_back_what_a_dead_sender_sent_is_found(world: World) -> None:
    await run_job(world.ledger, order())
    await (await posted(world)).die()
    world.clock.advance(LEASE + SETTLE_AFTER)
    await world.deliver()
    await assert_exactly_once(world)
    assert (world.held(), world.posts()) == (["success"], 1)


async def test_read_back_is_kept_through_a_refused_read_and_a_persons_retry(world: World) -> None:
    await run_job(world.ledger, order())
    await (await posted(world)).die()
    world.clock.advance(LEASE + SETTLE_AFTER)
    world.fault(Kind.NOT_FOUND, method="GET")
    await world.deliver()
    assert not await world.reopen()  # it is due
    await world.deliver()
    await assert_exactly_once(world)
    assert (world.held(), world.posts()) == (["success"], 1)


async def test_doubt_waits_while_reads_lag(world: World) -> None:
    await run_job(world.ledger, order())
    late = await posted(world)
    world.clock.advance(LEASE)
    world.fault(Kind.LAG, seconds=LEASE + 1)
    assert isinstance(await world.deliver(), Busy)
    await late.finish()
    await assert_exactly_once(world)
    assert (world.held(), world.posts()) == (["success"], 1)


async def test_check_after_reading_a_sender_that_lost_its_lease_does_not_send(world: World) -> None:
    await in_doubt(world)
    slow = await sender_at(world, before="GET")
    await slow.go()
    world.clock.advance(LEASE + SETTLE_AFTER)
    other = await sender_at(world, before="POST")
    assert isinstance(await slow.finish(), Busy)
    await other.finish()
    await assert_exactly_once(world)
    assert world.held() == ["success"]


async def test_check_lease_a_sender_that_took_too_long_does_not_send(world: World) -> None:
    await run_job(world.ledger, order())
    slow = await sender_at(world, before="look")
    world.clock.advance(LEASE + SETTLE_AFTER)
    await world.deliver()
    assert isinstance(await slow.finish(), Busy)
    await assert_exactly_once(world)
    assert world.held() == ["success"]


async def test_settle_names_its_lease_a_late_refusal_frees_no_others_target(world: World) -> None:
    await run_job(world.ledger, order(flow_run_id=OLD), JobState.FAILED)
    world.fault(Kind.CLOSE)
    await world.deliver()
    world.clock.advance(SETTLE_AFTER)
    world.fault(Kind.NOT_FOUND, method="GET")
    late = await sender_at(world, before="GET")
    await late.go()
    await run_job(world.ledger, order(flow_run_id=NEW))
    world.clock.advance(LEASE + SETTLE_AFTER)
    other = await posted(world)
    assert isinstance(await late.finish(), Busy)
    assert isinstance(await world.deliver(), Busy)
    await other.finish()
    await assert_exactly_once(world)
    assert world.held() == ["success"]


async def test_no_sender_is_suspended_or_else_the_duplicate_is_counted(world: World) -> None:
    await run_job(world.ledger, order())
    sleeper = await sender_at(world, before="POST")
    world.clock.advance(LEASE + SETTLE_AFTER)
    other = await sender_at(world, before="POST")
    await sleeper.finish()
    await other.finish()
    await assert_counted_duplicate(world)


async def test_github_settles_in_time_or_else_the_duplicate_is_counted(world: World) -> None:
    await run_job(world.ledger, order())
    late = await posted(world)
    world.clock.advance(LEASE + SETTLE_AFTER)
    world.fault(Kind.LAG, seconds=LEASE + SETTLE_AFTER + 1)
    await world.deliver()
    await late.finish()
    await assert_counted_duplicate(world)
