"""Leases: one sender at a time, for the current report, for a limited time."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from leasing import POLICY, SECOND, change, claim, held, settled, stands
from ledger_jobs import CREDENTIAL, accept, order, run_job
from racing import MANY, RACES, Race
from sqlalchemy import text
from sqlmodel import func, select, update
from world import World, due_ids

from domain.delivery.outcome import Delivered, Reason, Rejected, Unknown
from domain.delivery.report import EventKind, Phase
from domain.jobs.job_states import JobState
from storage.delivery import leases, reports, settling
from storage.delivery.availability import Busy
from storage.delivery.leases import Lease
from storage.ledger import Ledger, open_ledger
from storage.models import Credential, StatusReport, StatusTarget

LEASE = POLICY.lease
DOUBT = POLICY.settle_after
DELIVERED, REJECTED = Delivered(7), Rejected(Reason.NOT_FOUND, "Not Found")


async def renewed(world: World, lease: Lease) -> bool:
    result = await world.ledger.write(leases.renew, lease, policy=POLICY)
    assert result in (None, replace(lease, expires_at=world.clock.now + LEASE))
    return result is not None


async def due(world: World) -> list[str]:
    """The contexts that are due, in order."""
    with world.ledger.transaction() as tx:
        ids = due_ids(tx, limit=100)
        rows = tx.session.exec(select(StatusTarget.id, StatusTarget.context))
        contexts = dict(rows.all())
    return [contexts[target_id] for target_id in ids]


async def test_a_claim_takes_the_current_report(world: World) -> None:
    await run_job(world.ledger, order())
    lease = await held(world)
    assert (lease.report.state, lease.attempt, lease.read_back) == ("success", 1, False)
    assert lease.expires_at == world.clock.now + LEASE
    assert (await world.phases())["success"] is Phase.SENDING


async def test_a_lease_is_held_until_it_expires_and_then_read_back(world: World) -> None:
    await run_job(world.ledger, order())
    first = await held(world)
    world.clock.now = first.expires_at - SECOND
    assert await claim(world) is None
    assert await stands(world) == Busy(first.expires_at, "another sender holds the lease")
    world.clock.now = first.expires_at
    second = await held(world)
    assert second.read_back
    assert second.doubt_until == first.expires_at + DOUBT
    assert (await world.target()).verify_at is not None
    assert await world.events() == ["recorded", "claimed", "posted", "recovered", "claimed"]


async def test_a_sender_that_died_before_it_was_due_is_recovered_once_its_lease_has_ended(world: World) -> None:
    await run_job(world.ledger, order())
    await change(world, due_at=world.clock.now + timedelta(hours=1))
    world.clock.now = (await held(world)).expires_at
    assert await due(world) == ["docs/sphinx"]


async def test_a_doubt_that_stands_is_never_shortened_by_a_recovery(world: World) -> None:
    await run_job(world.ledger, order())
    await held(world)
    late = world.clock.now + timedelta(seconds=70)
    await change(world, doubt_until=late)
    world.clock.advance(30)
    await claim(world)
    assert (await world.target()).doubt_until == late


@pytest.mark.parametrize(("ahead", "may"), [(1, False), (0, True), (-1, True)])
async def test_in_doubt_a_target_is_claimed_only_to_read_back(world: World, ahead: int, *, may: bool) -> None:
    await run_job(world.ledger, order())
    await change(world, doubt_until=world.clock.now + timedelta(seconds=ahead))
    assert (await due(world) == ["docs/sphinx"]) is may
    if not may:
        assert await stands(world) == Busy(world.clock.now + SECOND, "an earlier request may still turn up")
    assert (await claim(world) is not None) is may


async def test_a_target_in_doubt_is_claimed_to_read_back(world: World) -> None:
    await run_job(world.ledger, order())
    await settled(world, await held(world), Unknown("HTTP 502"))
    assert (await held(world)).read_back


@pytest.mark.parametrize(("ahead", "may"), [(1, False), (0, True)])
async def test_a_paused_credential_is_not_claimed_with(world: World, ahead: int, *, may: bool) -> None:
    await run_job(world.ledger, order())
    until = world.clock.now + timedelta(seconds=ahead)
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Credential).values(paused_until=until, pause_reason="rate_limited"))
    assert (await due(world) == ["docs/sphinx"]) is may
    if not may:
        assert await stands(world) == Busy(until, f"credential {CREDENTIAL} pauses: rate_limited")
    assert (await claim(world) is not None) is may


@pytest.mark.parametrize(("ahead", "may"), [(1, False), (0, True)])
async def test_only_the_reconciliation_waits_until_it_is_due(world: World, ahead: int, *, may: bool) -> None:
    await run_job(world.ledger, order())
    await change(world, due_at=world.clock.now + timedelta(seconds=ahead))
    assert (await claim(world, only_if_due=True) is not None) is may
    if not may:
        assert await stands(world, only_if_due=True) == Busy(world.clock.now + SECOND, "not due yet")
        assert await claim(world) is not None


async def test_a_lease_is_renewed_while_it_is_held_and_its_report_is_current(world: World) -> None:
    await run_job(world.ledger, order())
    lease = await held(world)
    world.clock.advance(29)
    assert await renewed(world, lease)
    world.clock.advance(29)
    assert await claim(world) is None
    assert not await renewed(world, replace(lease, token=uuid4()))
    await run_job(world.ledger, order(), JobState.FAILED)
    assert not await renewed(world, lease)


async def test_only_the_holder_releases_a_lease_and_sets_when_it_is_due(world: World) -> None:
    await run_job(world.ledger, order())
    lease = await held(world)
    due_at = world.clock.now + timedelta(minutes=3)
    for one, released in ((replace(lease, token=uuid4()), False), (lease, True)):
        await world.ledger.write(settling.release, one, EventKind.ABSENT, due_at=due_at, note="")
        assert ((await world.target()).lease is None) is released
    assert (await world.target()).due_at == due_at
    assert (await world.events()).count("absent") == 1


async def test_outcomes_come_before_pending_and_the_oldest_first(world: World) -> None:
    for context, ends in (("a", False), ("b", True), ("c", False), ("d", True)):
        if ends:
            await run_job(world.ledger, order(context))
        else:
            await accept(world.ledger, order(context))
        world.clock.advance(1)
    assert await due(world) == ["b", "d", "a", "c"]


@pytest.mark.parametrize(("left", "is_due"), [(SECOND, False), (timedelta(0), True)])
async def test_a_target_under_an_expired_lease_is_due(world: World, left: timedelta, *, is_due: bool) -> None:
    await run_job(world.ledger, order())
    world.clock.now = (await held(world)).expires_at - left
    assert (await due(world) == ["docs/sphinx"]) is is_due


@RACES
async def test_of_twenty_claims_at_once_one_wins(ledger_url: str, race: Race) -> None:
    async with open_ledger(ledger_url) as ledger:
        await run_job(ledger, order())
    results = await race("claims", ledger_url, "1")
    assert sorted(results) == ["lost"] * (MANY - 1) + ["won"]


@RACES
async def test_everything_at_once_on_few_targets_neither_deadlocks_nor_contradicts(ledger_url: str, race: Race) -> None:
    count = 6
    assert await race("mixes", ledger_url, "5", "2", count=count) == ["done"] * count
    async with open_ledger(ledger_url) as ledger:
        await nothing_contradicts(ledger, jobs=5 * count)


async def nothing_contradicts(ledger: Ledger, *, jobs: int) -> None:
    """Every job has both reports, every turn was taken once, and the highest (turn, rank) is current."""
    with ledger.transaction() as tx:
        assert tx.session.exec(select(func.count()).select_from(StatusReport)).one() == 2 * jobs
        for target in tx.session.exec(select(StatusTarget)).all():
            of_target = tx.session.exec(select(StatusReport).where(StatusReport.target_id == target.id)).all()
            assert len({(report.turn, report.rank) for report in of_target}) == len(of_target) == 2 * target.turns
            assert max(of_target, key=lambda report: (report.turn, report.rank)).id == target.newest_id
            assert all(reports.phase(report, target) for report in of_target)
        assert tx.session.connection().scalar(text("SELECT count(*) FROM report_event")) > 2 * jobs
