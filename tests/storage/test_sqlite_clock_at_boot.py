"""The clock of a SQLite ledger over boots of its host, and in containers that seem to be hosts of their own."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from in_place import Installation
from ledger_jobs import order, run_job
from timed_host import HOUR, YEAR, TimedHost, claimed_by_one_that_dies
from world import World

from storage.delivery import leases
from storage.delivery.availability import Busy
from storage.ledger import open_ledger

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.mark.parametrize("wrong_by", [timedelta(0), -HOUR, -YEAR, YEAR])
async def test_after_a_boot_it_is_never_behind_what_the_ledger_has_seen(
    installation: Installation, host: TimedHost, wrong_by: timedelta
) -> None:
    async with installation.opened() as world:
        await run_job(world.ledger, order())
        seen = await world.ledger.now()
    host.reboot()
    host.wrong_by = wrong_by
    async with installation.opened() as world:
        now = await world.ledger.now()
        assert now == max(seen, world.clock.now + wrong_by)
        world.clock.advance(1)
        host.wrong_by = HOUR
        assert await world.ledger.now() == now + timedelta(seconds=1)


@pytest.mark.parametrize("wrong_by", [timedelta(0), -HOUR, -YEAR, HOUR, YEAR])
async def test_a_lease_and_its_doubt_last_as_long_after_a_boot(
    installation: Installation, host: TimedHost, wrong_by: timedelta
) -> None:
    """Only the wall clock shows how long the host was down, and may be wrong: a request may still be stored."""
    async with installation.opened() as world:
        await claimed_by_one_that_dies(world)
        world.clock.advance(20)
        await run_job(world.ledger, order("docs/other"))
    host.reboot(down_for=timedelta(seconds=4))
    host.wrong_by = wrong_by
    async with installation.opened() as world:
        left = await busy_for(world)
        assert timedelta(seconds=9) < left <= timedelta(seconds=14)
        world.clock.advance(14)
        await world.deliver()
        assert timedelta(seconds=9) < await busy_for(world) <= timedelta(seconds=20)
        assert world.held() == []
    host.reboot(down_for=timedelta(seconds=4))
    async with installation.opened() as world:
        await world.deliver()
        assert world.held() == []
        world.clock.advance(20)
        await world.deliver()
        assert world.held() == ["success"]


async def busy_for(world: World) -> timedelta:
    now, target = await world.ledger.now(), await world.target()
    until = target.lease_expires_at or target.doubt_until
    assert until is not None
    return until - now


async def test_two_that_open_it_at_once_on_a_new_boot_agree(installation: Installation, host: TimedHost) -> None:
    async with installation.opened() as first, installation.opened() as second:
        await first.ledger.now()
        host.reboot()
        times = await asyncio.gather(*(world.ledger.now() for world in (first, second) * 10))
        assert len(set(times)) == 1


@pytest.mark.parametrize("wrong_by", [timedelta(0), HOUR])
async def test_a_lease_runs_out_though_containers_of_one_host_have_boot_ids_of_their_own(
    installation: Installation, host: TimedHost, wrong_by: timedelta
) -> None:
    """Such as those of systemd-nspawn and LXC: each of them ties the clock to its own."""
    other = replace(host, boot="another boot")
    async with installation.opened() as world, open_ledger(installation.url, clock=other.of_ledger()) as beside:
        await claimed_by_one_that_dies(world)
        host.wrong_by = other.wrong_by = wrong_by
        for _ in range(15):  # the lease is ended; the report is not found, and sent
            world.clock.advance(5)
            await beside.now()
            await world.deliver()
        assert world.held() == ["success"]


async def test_a_claim_right_after_a_step_of_the_wall_clock_finds_the_lease_of_another_container(
    installation: Installation, host: TimedHost
) -> None:
    """Its own clock is tied anew in the transaction of the claim, which moves the lease."""
    other = replace(host, boot="another boot")
    async with installation.opened() as world, open_ledger(installation.url, clock=other.of_ledger()) as beside:
        await beside.now()
        await claimed_by_one_that_dies(world)
        world.clock.advance(1)
        host.wrong_by = other.wrong_by = timedelta(seconds=70)
        answer = await beside.write(leases.claim, await world.target_id(), only_if_due=False, policy=world.policy)
        assert isinstance(answer, Busy)
        assert answer.why == "another sender holds the lease"
