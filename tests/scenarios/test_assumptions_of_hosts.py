"""An assumption about clocks, hosts or ledgers fails: what GitHub then holds, and how an operator sees it.

docs/guarantee.md lists the assumptions. A suspended sender is in test_counterexamples.py.
"""

from datetime import timedelta

import pytest
from exactly_once import assert_counted_duplicate
from ledger_jobs import order, run_job
from timed_host import TimedHost
from verifying import kinds, request_verification, verify_targets
from world import Clock, World, world_on

from domain.delivery.policy import Policy
from domain.delivery.report import EventKind, Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.ledger import open_ledger

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])


def stop_githubs_clock(world: World) -> None:
    """From here on only our clock goes on."""
    stopped_at = world.clock.now
    world.github.store.clock = lambda: stopped_at


def set_githubs_clock(world: World) -> None:
    world.github.store.clock = world.clock


@pytest.mark.parametrize("when", ["under way", "in doubt"])
async def test_a_ledgers_clock_that_jumps_ahead_by_a_minute_makes_a_second_status_which_is_counted(
    world: World, when: str
) -> None:
    """A jump by minutes during the request makes none: an expired lease of that length is noticed."""
    await run_job(world.ledger, order())

    async def jump(name: str) -> None:
        if name == "POST":
            world.clock.advance(60)
            await world.deliver()

    if when == "under way":
        await world.deliver(by=await world.sender(jump))
    else:
        world.fault(Kind.CLOSE, stored_after=9)
        await world.deliver()
        stop_githubs_clock(world)
        world.clock.advance(20)
        await world.deliver()
        set_githubs_clock(world)
    await assert_counted_duplicate(world)


@ON_SQLITE
async def test_a_wall_clock_that_jumps_on_a_host_without_a_boot_id_makes_a_second_status_which_is_counted(
    fresh_url: str, clock: Clock
) -> None:
    host = TimedHost(clock, boot=None)
    async with open_ledger(fresh_url, clock=host.of_ledger()) as ledger, world_on(ledger, clock) as world:
        await run_job(ledger, order())
        world.fault(Kind.CLOSE, stored_after=9)
        await world.deliver()
        host.wrong_by = timedelta(seconds=20)
        await world.deliver()
        clock.advance(600)
        await assert_counted_duplicate(world)


@ON_SQLITE
@pytest.mark.parametrize("hours", [-1, 0, 1])
async def test_two_hosts_with_one_sqlite_ledger_only_lengthen_its_doubts(
    fresh_url: str, clock: Clock, hours: int
) -> None:
    """Each ties the clock anew. What a disk of two hosts makes of the file's locks is another matter."""
    one, other = TimedHost(clock), TimedHost(clock, timedelta(hours=hours), "another boot")
    async with (
        open_ledger(fresh_url, clock=one.of_ledger()) as ledger,
        open_ledger(fresh_url, clock=other.of_ledger()) as second,
        world_on(ledger, clock) as world,
    ):
        await run_job(ledger, order())
        world.fault(Kind.CLOSE, stored_after=10)
        await world.deliver()
        tries = 0
        while (await world.phases())["success"] is not Phase.DELIVERED:
            tries += 1
            assert tries < 20
            await world.deliver(by=await world.sender(ledger=second))
            clock.advance(3)
            await world.deliver()
        assert world.held() == ["success"]


@ON_SQLITE
async def test_two_ledgers_cover_each_other_which_verification_records_as_an_override(
    world: World, fresh_url: str, clock: Clock
) -> None:
    await run_job(world.ledger, order())
    await world.deliver()
    async with (
        open_ledger(fresh_url, clock=clock.of_ledger) as second,
        world_on(second, clock, github=world.github) as other,
    ):
        await run_job(second, order(), JobState.FAILED)
        await other.deliver()
    await request_verification(world)
    world.clock.advance(60)
    assert await verify_targets(world) == 0
    await world.reconcile()
    assert world.held() == ["success", "failure"]
    assert EventKind.OVERRIDDEN in await kinds(world)


async def test_a_sender_with_longer_times_than_the_others_may_send_late_which_is_counted(world: World) -> None:
    long = Policy(lease=timedelta(seconds=240), timeout=timedelta(seconds=120))
    await run_job(world.ledger, order())

    async def others_go_on(name: str) -> None:
        if name == "POST":
            for _ in range(4):
                await world.deliver()
                world.clock.advance(30)

    world.policy, short = long, world.policy
    slow = await world.sender(others_go_on)
    world.policy = short
    await world.deliver(by=slow)
    await assert_counted_duplicate(world)
