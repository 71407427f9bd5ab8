"""The clock of a SQLite ledger: no step of the host's wall clock changes a duration measured by it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from in_place import Installation
from ledger_jobs import CREDENTIAL, accept, begin, order, run_job
from sqlalchemy import text
from sqlmodel import col, select
from timed_host import HOUR, YEAR, TimedHost, claimed_by_one_that_dies
from world import World

from domain.delivery.report import EventKind
from storage.ledger import Ledger, open_ledger
from storage.models import Credential, HostAnchor, Job, ReportEvent, StatusReport, StatusTarget
from storage.sqlite_clock import HostClock
from tasks.process.identity import this_machine

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

JUMPS = (HOUR, -HOUR, YEAR, -YEAR)


@pytest.fixture
async def world(installation: Installation) -> AsyncIterator[World]:
    async with installation.opened() as opened:
        yield opened


async def follow(ledger: Ledger) -> datetime:
    """Follow the host's clock, as a reconciliation run does first; return the ledger's time."""
    with ledger.transaction() as tx:
        ledger.follow(tx)
        return tx.now


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
    await claimed_by_one_that_dies(world)
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
