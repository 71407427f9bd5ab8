"""A transaction that waited for a lock uses the row as it is then, not as read before; a read waits for none."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_jobs import CREDENTIAL, accept, order, run_job
from racing import until_a_lock_is_waited_for
from sqlmodel import select, update
from world import World

from domain.delivery.budget import Urgency
from domain.delivery.outcome import Exchange, Reason, Sent, Throttled
from domain.delivery.policy import Policy
from domain.delivery.settlement import Settlement, Tries, settle
from storage.delivery import budget, credentials, leases, reports, settling
from storage.delivery.availability import Busy
from storage.delivery.leases import Lease
from storage.ledger import Ledger, open_ledger
from storage.models import Credential
from tasks.delivery.deliver import deliver
from tasks.jobs.lost import end_lost_jobs
from tasks.reconcile import has_succeeded_within

OTHER = "env:OTHER"
POLICY = Policy()


@pytest.mark.parametrize("database", ["postgresql"])  # SQLite's writers wait for the whole ledger before they read
async def test_a_claim_uses_no_credential_that_its_target_has_no_longer(world: World) -> None:
    used: list[str] = []

    async def token_of(name: str) -> str:
        used.append(name)
        return "a-token"

    await run_job(world.ledger, order())
    target, sender = await world.target(), replace(world.reporter, secret_of=token_of)
    async with asyncio.TaskGroup() as group:
        with world.ledger.transaction() as tx:
            credentials.locked(tx, CREDENTIAL)
            sending = group.create_task(deliver(sender, target.id or 0))
            await until_a_lock_is_waited_for(world.ledger)
            reports.reopen(tx, target.newest_id or 0, credential=OTHER)
    assert isinstance(sending.result(), Busy)
    assert (used, world.posts()) == ([], 0)
    await deliver(sender, target.id or 0)
    assert (used, world.held()) == ([OTHER], ["success"])


@pytest.mark.parametrize("database", ["postgresql"])  # the same
async def test_no_moment_is_reserved_if_the_credential_is_locked(world: World) -> None:
    """It may hold its target's row, for which the holder of the credential's row waits."""
    await run_job(world.ledger, order())
    soon = world.clock.now + timedelta(seconds=1)
    with world.ledger.transaction() as holder, world.ledger.transaction() as tx:
        credentials.locked(holder, CREDENTIAL)
        assert not budget.reserve(tx, CREDENTIAL, Urgency.SPACING, soon)
    with world.ledger.transaction() as tx:
        assert budget.reserve(tx, CREDENTIAL, Urgency.SPACING, soon)


@pytest.mark.parametrize("database", ["postgresql"])  # the same
async def test_a_job_is_accepted_and_ended_while_an_answer_changes_its_credential(world: World) -> None:
    """It holds its target's row, for which the holder of the credential's row may wait."""
    await run_job(world.ledger, order())
    with world.ledger.transaction() as holder:
        holder.session.exec(update(Credential).values(rate_limit=5000))
        await run_job(world.ledger, order())


async def test_a_pause_is_not_replaced_by_a_shorter_one_that_was_settled_at_the_same_time(world: World) -> None:
    for context in "ab":
        await accept(world.ledger, order(context))
    long, short = [await _claimed(world, context) for context in "ab"]
    async with asyncio.TaskGroup() as group:
        with world.ledger.transaction() as tx:
            settling.settle(tx, long, *_throttled(world, 180))
            group.create_task(_settled(world, short, 60))
            await until_a_lock_is_waited_for(world.ledger)
    with world.ledger.transaction() as tx:
        credential = tx.session.exec(select(Credential)).one()
    assert credential.paused_until == world.clock.now + timedelta(seconds=180)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("database", ["sqlite"])  # on PostgreSQL no reader waits
async def test_what_only_reads_does_not_wait_for_a_writer(world: World) -> None:
    await accept(world.ledger, order())
    with world.ledger.transaction() as tx:
        tx.session.connection()  # takes the lock of the ledger
        async with open_ledger(world.ledger.engine.url.render_as_string(hide_password=False)):
            pass
        assert await end_lost_jobs(world.reporter) == []
        assert not await has_succeeded_within(world.reporter, timedelta(hours=1))


async def _claimed(world: World, context: str) -> Lease:
    target_id = await world.target_id(context)
    lease = await world.ledger.write(leases.claim, target_id, only_if_due=False, policy=POLICY)
    assert isinstance(lease, Lease)
    return lease


async def _settled(world: World, lease: Lease, seconds: int) -> None:
    await world.ledger.write(settling.settle, lease, *_throttled(world, seconds))


def _throttled(world: World, seconds: int) -> tuple[Settlement, Sent]:
    """What it means that GitHub asks for a wait of *seconds*, and its answer."""
    now = world.clock.now
    outcome = Throttled(Reason.RATE_LIMITED, "wait", now + timedelta(seconds=seconds))
    return settle(outcome, Tries(world.clock.now), POLICY, now=now, jitter=0), Sent(outcome, Exchange(403))


async def test_an_order_locks_its_credential_before_its_target(ledger: Ledger) -> None:
    """Else it and the end of another job, both first to name a credential, could each wait for the other for ever."""
    await accept(ledger, order())
    with ledger.transaction() as tx:
        credentials.ensure(tx, "env:NEW")
        other = asyncio.create_task(accept(ledger, replace(order(), credential="env:NEW")))
        await until_a_lock_is_waited_for(ledger)
        reports.locked_target(tx, 1)
    assert (await other).number == 1
