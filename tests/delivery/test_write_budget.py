"""The write budget keeps GitHub's limits before GitHub refuses, for all senders with a credential."""

from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_jobs import CREDENTIAL, accept, order, run_job
from sqlmodel import select
from transactions import at
from world import Clock, World, due_ids, world_on

from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from domain.delivery.report import Phase
from fake_github.faults import Kind
from storage.delivery import reports
from storage.delivery.availability import Busy, Settled
from storage.delivery.due import next_due
from storage.ledger import Ledger
from storage.models import Credential
from tasks.delivery.deliver import deliver
from tasks.report_status import deliver_report

BUDGET = WriteBudget(per_minute=3, per_hour=5, spacing=timedelta(seconds=1))


def policy(budget: WriteBudget = BUDGET) -> Policy:
    return Policy(first_delay=timedelta(seconds=2), budget=budget)


async def jobs(world: World, count: int) -> list[int]:
    """Targets of that many jobs that have ended, all with one credential."""
    for number in range(count):
        await run_job(world.ledger, order(f"docs/{number}"))
    return [await world.target_id(f"docs/{number}") for number in range(count)]


async def test_the_minute_limit_binds_also_an_urgent_outcome(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy()) as world:
        targets = await jobs(world, 5)
        result = [await deliver(world.reporter, target, job_ends_now=True) for target in targets]
        assert [type(one) for one in result] == [Settled, Settled, Settled, Busy, Busy]
        assert world.posts() == 3
        clock.advance(61)
        assert isinstance(await deliver(world.reporter, targets[3], job_ends_now=True), Settled)


async def test_the_spacing_binds_an_outcome_that_missed_its_task_and_not_that_of_a_job_ending_now(
    ledger: Ledger, clock: Clock
) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 2))) as world:
        *late, ends_now = await jobs(world, 6)
        for target in late:
            assert isinstance(await deliver(world.reporter, target), Settled)
        assert isinstance(await deliver(world.reporter, ends_now, job_ends_now=True), Settled)
        assert sent_after(world) == [0, 1, 2, 3, 4, 4]


async def test_the_task_of_a_job_ending_now_does_not_wait_for_the_spacing(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 100))) as world:
        late, _ = await jobs(world, 2)
        assert isinstance(await deliver(world.reporter, late), Settled)
        assert await deliver_report(world.reporter, await world.newest("docs/1"), job_ends_now=True) is Phase.DELIVERED
        assert sent_after(world) == [0, 0]


def sent_after(world: World) -> list[float]:
    """When each status was made, in seconds after the first."""
    held = world.github.store.held()
    return [(status.created_at - held[0].created_at).total_seconds() for status in held]


async def test_an_outcome_that_missed_its_task_does_not_wait_for_the_hour(ledger: Ledger, clock: Clock) -> None:
    """Else it would never be delivered while jobs that end fill the hour."""
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        first, late = await jobs(world, 2)
        await deliver(world.reporter, first, job_ends_now=True)
        clock.advance(60)
        with ledger.transaction() as tx:
            assert due_ids(tx, limit=9, write_budget=world.policy.budget) == [late]
        assert isinstance(await deliver(world.reporter, late, only_if_due=True), Settled)


@pytest.mark.parametrize(("in_bulk", "took"), [(False, Settled), (True, Busy)])
async def test_a_reopened_report_waits_for_the_hour_only_in_bulk(
    ledger: Ledger, clock: Clock, *, in_bulk: bool, took: type
) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        world.fault(Kind.ARCHIVED)
        [target] = await jobs(world, 1)
        await deliver(world.reporter, target)
        clock.advance(60)
        await reopened(world, "docs/0", in_bulk=in_bulk)
        assert isinstance(await deliver(world.reporter, target), took)
        clock.advance(3600)
        await deliver(world.reporter, target)
        assert world.held("docs/0") == ["success"]


async def test_a_due_report_does_not_become_less_urgent_by_a_bulk_reopening(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        first, late = await jobs(world, 2)
        await deliver(world.reporter, first)
        await reopened(world, "docs/1", in_bulk=True)
        assert isinstance(await deliver(world.reporter, late), Settled)


async def test_a_report_reopened_in_bulk_is_urgent_once_it_is_reopened_by_itself(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        world.fault(Kind.ARCHIVED)
        [target] = await jobs(world, 1)
        await deliver(world.reporter, target)
        await reopened(world, "docs/0", in_bulk=True)
        await reopened(world, "docs/0", in_bulk=False)
        assert isinstance(await deliver(world.reporter, target), Settled)


async def test_a_new_outcome_is_no_part_of_the_bulk_that_the_last_one_was_in(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        world.fault(Kind.ARCHIVED)
        [target] = await jobs(world, 1)
        await deliver(world.reporter, target)
        await reopened(world, "docs/0", in_bulk=True)
        clock.advance(1)
        await run_job(ledger, order("docs/0"))
        assert isinstance(await deliver(world.reporter, target), Settled)


async def reopened(world: World, context: str, *, in_bulk: bool) -> None:
    newest, now = (await world.target(context)).newest_id or 0, world.clock.now
    with world.ledger.transaction() as tx:
        reports.reopen(at(tx, now=now), newest, credential=CREDENTIAL, in_bulk=in_bulk)


async def test_pending_leaves_the_rest_of_the_minute_to_waiting_outcomes(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(3, 500, timedelta(0)))) as world:
        first, waits = await jobs(world, 2)
        await deliver(world.reporter, first, job_ends_now=True)
        clock.advance(1)
        begun = [await pending(world, f"docs/begins-{number}") for number in range(2)]
        assert [type(await deliver(world.reporter, one)) for one in begun] == [Settled, Busy]
        assert isinstance(await deliver(world.reporter, waits, job_ends_now=True), Settled)


async def test_pending_waits_while_as_many_outcomes_wait_as_a_minute_has_room_for(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(3, 500))) as world:
        await jobs(world, 3)
        began = await pending(world, "docs/begins")
        assert isinstance(await deliver(world.reporter, began), Busy)
        assert began not in await due(world)


async def pending(world: World, context: str) -> int:
    await accept(world.ledger, order(context))
    return await world.target_id(context)


async def due(world: World) -> list[int]:
    return await world.ledger.write(due_ids, limit=99, write_budget=world.policy.budget)


async def test_a_pending_is_backlog_for_every_sender(ledger: Ledger, clock: Clock) -> None:
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
        target = await pending(world, "docs/0")
        await deliver(world.reporter, target)
        clock.advance(30)
        busy = await deliver(world.reporter, target)
        assert isinstance(busy, Busy)
        assert world.posts() == 1
        clock.advance(3600)
        await deliver(world.reporter, target)
        assert world.held("docs/0") == ["pending"]


async def test_a_pending_that_is_resent_is_backlog_too(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        world.fault(Kind.CLOSE)
        await accept(ledger, order())
        await deliver(world.reporter, await world.target_id(), job_ends_now=True)
        clock.advance(30)
        busy = await deliver(world.reporter, await world.target_id(), job_ends_now=True)
        assert isinstance(busy, Busy)
        assert (world.posts(), world.held()) == (1, [])


async def test_a_report_waiting_for_the_hour_is_offered_once_it_has_room(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy(WriteBudget(100, 1))) as world:
        begun = [await pending(world, f"docs/{number}") for number in range(3)]
        assert await due(world) == begun
        await deliver(world.reporter, begun[0])
        assert await due(world) == []
        again = await ledger.write(next_due, write_budget=world.policy.budget)
        assert again == clock.now + timedelta(hours=1)


async def test_offered_targets_are_shared_among_credentials(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy()) as world:
        for number in range(4):
            await run_job(ledger, order(f"docs/{number}"))
        clock.advance(1)
        await run_job(ledger, replace(order("docs/other"), credential="env:OTHER"))
        first, second, *_ = await due(world)
        assert [first, second] == [await world.target_id("docs/0"), await world.target_id("docs/other")]


async def test_a_pause_is_waited_for(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=policy()) as world:
        world.fault(Kind.PRIMARY_LIMIT, seconds=300)
        [target] = await jobs(world, 1)
        await deliver(world.reporter, target)
        with ledger.transaction() as tx:
            again = next_due(tx, write_budget=world.policy.budget)
            credential = tx.session.exec(select(Credential)).one()
        assert again == credential.paused_until


@pytest.mark.parametrize("database", ["sqlite"])
async def test_without_a_budget_nothing_waits(ledger: Ledger, clock: Clock) -> None:
    async with world_on(ledger, clock, policy=Policy(budget=None)) as world:
        targets = await jobs(world, 85)
        for target in targets:
            assert isinstance(await deliver(world.reporter, target), Settled)
        assert world.posts() == 85
