"""The write budget: GitHub's limits are kept before GitHub has to say so, for all senders with a credential."""

from datetime import timedelta

from world import Clock, World, accept, order, run_job, world_on

from domain.budget import WriteBudget
from domain.policy import Policy
from fake_github.faults import Kind
from storage import backlog
from storage.engine import Ledger
from storage.standing import Busy, Settled
from tasks.deliver import deliver

BUDGET = WriteBudget(per_minute=3, per_hour=5, spacing=timedelta(seconds=1))


def policy(budget: WriteBudget = BUDGET) -> Policy:
    return Policy(first_delay=timedelta(seconds=2), budget=budget)


async def jobs(world: World, count: int) -> list[int]:
    """Targets of that many jobs that have ended, all with one credential."""
    for number in range(count):
        await run_job(world.ledger, order(f"docs/{number}"))
    return [await world.target_id(f"docs/{number}") for number in range(count)]


async def test_the_minute_binds_also_an_outcome_that_somebody_waits_for(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy()) as world:
        targets = await jobs(world, 5)
        came_to = [await deliver(world.reporter, target, job_ends_now=True) for target in targets]
        assert [type(one) for one in came_to] == [Settled, Settled, Settled, Busy, Busy]
        assert world.posts() == 3
        clock.advance(61)
        assert isinstance(await deliver(world.reporter, targets[3], job_ends_now=True), Settled)


async def test_hour_and_spacing_bind_backlog_and_not_an_outcome_that_somebody_waits_for(
    ledger: Ledger, clock: Clock
) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 5))) as world:
        *old, urgent = await jobs(world, 7)
        for target in old[:5]:
            assert isinstance(await deliver(world.reporter, target), Settled)
        assert clock.now - world.github.store.held()[0].created_at == timedelta(seconds=4)  # a second between two
        busy = await deliver(world.reporter, old[5])
        assert isinstance(busy, Busy)
        assert busy.over_budget
        assert busy.until == world.github.store.held()[0].created_at + timedelta(hours=1)
        assert isinstance(await deliver(world.reporter, urgent, job_ends_now=True), Settled)


async def test_a_pending_is_backlog_whoever_sends_it(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        await jobs(world, 1)
        await world.deliver("docs/0")
        await accept(ledger, order("docs/other"))
        busy = await deliver(world.reporter, await world.target_id("docs/other"), job_ends_now=True)
        assert isinstance(busy, Busy)
        assert world.held("docs/other") == []


async def test_a_resend_after_reading_back_is_within_the_budget_too(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        world.fault(Kind.CLOSE)
        [target] = await jobs(world, 1)
        await deliver(world.reporter, target)
        clock.advance(30)
        busy = await deliver(world.reporter, target)
        assert isinstance(busy, Busy)
        assert world.posts() == 1
        clock.advance(3600)
        await deliver(world.reporter, target)
        assert world.held("docs/0") == ["success"]


async def test_a_pending_that_is_resent_is_backlog_too(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        world.fault(Kind.CLOSE)
        await accept(ledger, order())
        await deliver(world.reporter, await world.target_id(), job_ends_now=True)
        clock.advance(30)
        busy = await deliver(world.reporter, await world.target_id(), job_ends_now=True)
        assert isinstance(busy, Busy)
        assert (world.posts(), world.held()) == (1, [])


async def test_one_credential_that_has_spent_its_budget_keeps_no_other_waiting(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        await jobs(world, 3)
        async with ledger.transaction() as session:
            ids = await backlog.due(session, limit=10, write_budget=world.policy.budget, now=clock.now)
            assert len(ids) == 3
        await world.deliver("docs/0")
        async with ledger.transaction() as session:
            assert await backlog.due(session, limit=10, write_budget=world.policy.budget, now=clock.now) == []
            again = await backlog.next_due(session, write_budget=world.policy.budget, now=clock.now)
            assert again == clock.now + timedelta(hours=1)


async def test_without_a_budget_nothing_waits(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=Policy(budget=None)) as world:
        targets = await jobs(world, 85)
        for target in targets:
            assert isinstance(await deliver(world.reporter, target), Settled)
        assert world.posts() == 85
