"""The clock of a SQLite ledger: no step of the host's wall clock changes a duration measured by it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from in_place import Installation
from ledger_jobs import CREDENTIAL, accept, begin, order, run_job
from sqlalchemy import text
from sqlmodel import col, select
from steps import AtEffect, Died
from timed_host import TimedHost
from world import Clock, World

from domain.delivery.report import EventKind
from storage.delivery import leases
from storage.delivery.availability import Busy
from storage.ledger import Ledger, open_ledger
from storage.models import Credential, HostAnchor, Job, ReportEvent, StatusReport, StatusTarget
from storage.sqlite_clock import HostClock
from tasks.process.identity import this_machine

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

HOUR, YEAR = timedelta(hours=1), timedelta(days=365)
JUMPS = (HOUR, -HOUR, YEAR, -YEAR)


@pytest.fixture
def installation(fresh_url: str, clock: Clock) -> Installation:
    return Installation(fresh_url, TimedHost(clock))


@pytest.fixture
async def world(installation: Installation) -> AsyncIterator[World]:
    async with installation.opened() as opened:
        yield opened


@pytest.fixture
def host(installation: Installation) -> TimedHost:
    return installation.host


async def follow(ledger: Ledger) -> datetime:
    """Follow the host's clock, as a reconciliation run does first; return the ledger's time."""
    with ledger.transaction() as tx:
        ledger.follow(tx)
        return tx.now


async def claimed(world: World) -> datetime:
    """A lease is taken by a sender that dies; until when."""
    await run_job(world.ledger, order())
    with pytest.raises(Died):
        await world.deliver(by=await world.sender(AtEffect(0, counted=("POST",))))
    expires_at = (await world.target()).lease_expires_at
    assert expires_at is not None
    return expires_at


@pytest.mark.parametrize("jump", JUMPS)
async def test_a_step_of_the_wall_clock_does_not_move_it(world: World, host: TimedHost, jump: timedelta) -> None:
    before = await world.ledger.now()
    host.wrong_by = jump
    world.clock.advance(7)
    assert await world.ledger.now() == before + timedelta(seconds=7)
    with world.ledger.transaction(only_reads=True) as tx:
        assert tx.now == before + timedelta(seconds=7)


async def test_it_is_tied_to_a_boot_once_and_by_no_reader(world: World) -> None:
    with world.ledger.transaction(only_reads=True) as tx:
        assert tx.now == world.clock.now
        assert tx.session.exec(select(HostAnchor)).all() == []
    for _ in range(2):
        await world.ledger.now()
        world.clock.advance(1)
    with world.ledger.transaction() as tx:
        assert len(tx.session.exec(select(HostAnchor)).all()) == 1


@pytest.mark.parametrize("jump", JUMPS)
async def test_it_follows_the_wall_clock_while_nothing_is_leased_or_in_doubt(
    world: World, host: TimedHost, jump: timedelta
) -> None:
    await world.ledger.now()
    host.wrong_by = jump
    if world.clock.now + jump > datetime(2026, 1, 1, tzinfo=UTC):
        assert await follow(world.ledger) == world.clock.now + jump
    host.wrong_by = timedelta(0)
    assert await follow(world.ledger) == world.clock.now


@pytest.mark.parametrize("jump", JUMPS)
async def test_it_does_not_follow_while_a_target_is_leased_or_in_doubt(
    world: World, host: TimedHost, jump: timedelta
) -> None:
    await claimed(world)
    host.wrong_by = jump
    for seconds in (29, 1, 19):
        assert await follow(world.ledger) == world.clock.now
        world.clock.advance(seconds)
        await world.deliver()  # recovers it
    assert await follow(world.ledger) == world.clock.now
    assert world.held() == []


async def test_a_wall_clock_that_was_never_set_is_not_followed(world: World, host: TimedHost) -> None:
    before = await world.ledger.now()
    host.wrong_by = datetime(1970, 1, 1, tzinfo=UTC) - world.clock.now
    assert await follow(world.ledger) == before


@pytest.mark.parametrize("jump", [HOUR, -HOUR, YEAR])
async def test_durations_keep_their_length_when_it_follows(world: World, host: TimedHost, jump: timedelta) -> None:
    execution = await accept(world.ledger, order("docs/runs"))
    await begin(world.ledger, execution)
    await run_job(world.ledger, order("docs/due"))
    now = await world.ledger.now()
    with world.ledger.transaction() as tx:
        credential = tx.session.get_one(Credential, CREDENTIAL)
        credential.paused_until, credential.rate_reset_at = now + timedelta(minutes=7), now + timedelta(minutes=50)
        target = tx.session.exec(select(StatusTarget).where(StatusTarget.context == "docs/due")).one()
        target.due_at, target.verify_at = now + timedelta(minutes=2), now + timedelta(minutes=3)
        target.doubt_until = now - timedelta(minutes=4)
        tx.session.add(ReportEvent(report_id=1, credential=CREDENTIAL, at=now, kind=EventKind.POSTED, actor="test"))

    async def lengths() -> list[timedelta | None]:
        with world.ledger.transaction() as tx:
            found = [
                *tx.session.exec(select(Credential.paused_until, Credential.rate_reset_at)).one(),
                *tx.session.exec(select(Job.beat_at).order_by(col(Job.number))),
                *tx.session.exec(select(StatusReport.created_at).order_by(col(StatusReport.id))),
                *tx.session.exec(select(ReportEvent.at).order_by(col(ReportEvent.id))),
            ]
            for row in tx.session.exec(select(StatusTarget).order_by(col(StatusTarget.id))):
                found += [row.due_at, row.verify_at, row.doubt_until]
            return [moment and moment - tx.now for moment in found]

    before = await lengths()
    host.wrong_by = jump
    assert await follow(world.ledger) == world.clock.now + jump
    assert await lengths() == before
    host.wrong_by = timedelta(0)
    await follow(world.ledger)
    assert await lengths() == before


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
        await claimed(world)
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
        await claimed(world)
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
        await claimed(world)
        world.clock.advance(1)
        host.wrong_by = other.wrong_by = timedelta(seconds=70)
        answer = await beside.write(leases.claim, await world.target_id(), only_if_due=False, policy=world.policy)
        assert isinstance(answer, Busy)
        assert answer.why == "another sender holds the lease"


async def test_without_an_id_of_the_boot_it_is_the_wall_clock(world: World, host: TimedHost) -> None:
    host.boot = None
    for wrong_by in (HOUR, -HOUR):
        host.wrong_by = wrong_by
        assert await follow(world.ledger) == world.clock.now + wrong_by


async def test_reading_it_writes_nothing(world: World) -> None:
    await world.ledger.now()
    with world.ledger.transaction() as tx:
        connection = tx.session.connection()
        before = connection.execute(text("SELECT total_changes()")).scalar()
        for _ in range(5):
            world.ledger.clock(tx.session)
        assert connection.execute(text("SELECT total_changes()")).scalar() == before


async def test_a_ledger_on_this_host_has_this_hosts_clock(fresh_url: str) -> None:
    async with open_ledger(fresh_url) as ledger:
        assert isinstance(ledger.clock, HostClock)
        now = await ledger.now()
        assert abs(now - datetime.now(UTC)) < timedelta(seconds=5)
        assert now < await ledger.now()
        with ledger.transaction() as tx:
            stored = tx.session.exec(select(HostAnchor)).one()
        assert this_machine().startswith(stored.boot)
