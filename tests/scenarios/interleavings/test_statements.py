"""Two actors on one target on PostgreSQL, in every order of single statements that locks allow: one status.

By default a task and a sender past its lease, in the orders that interrupt an actor once, before every second step;
with REPORTBACK_TEST_FULL=1 every pair, interrupted twice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

import pytest
from actors import Work
from exactly_once import assert_exactly_once
from full import FULL
from ledger_jobs import CREDENTIAL, accept, begin, end, order, run_job
from statements import Statements
from world import World

from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery import reports
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

INTERRUPTIONS, EVERY = (2, 1) if FULL else (1, 2)

Prepared: TypeAlias = Callable[[World, str], Awaitable[tuple[Work, Work]]]


def asked(context: str) -> Order:
    """An order for a commit of its own: the number of pages to be read back must not grow from one to the next."""
    return order(context, sha=f"{int(context.removeprefix('docs/')):040x}")


def sends(target_id: int, *, only_if_due: bool = False) -> Work:
    async def send(_: World, reporter: Reporter) -> None:
        await deliver(reporter, target_id, only_if_due=only_if_due)

    return send


async def ended(world: World, context: str) -> int:
    await run_job(world.ledger, asked(context))
    return await world.target_id(context)


async def task_and_task(world: World, context: str) -> tuple[Work, Work]:
    target_id = await ended(world, context)
    return sends(target_id), sends(target_id)


async def task_and_reconciliation(world: World, context: str) -> tuple[Work, Work]:
    target_id = await ended(world, context)
    return sends(target_id), sends(target_id, only_if_due=True)


async def task_and_late_holder(world: World, context: str) -> tuple[Work, Work]:
    """The lease runs out as the holder's answer comes."""
    target_id = await ended(world, context)

    async def late(world: World, reporter: Reporter) -> None:
        async def sleep(name: str) -> None:
            if name == "POST answered":
                world.clock.advance(30)

        sleeper = await world.sender(sleep)
        await deliver(replace(reporter, surface=sleeper.surface), target_id)

    return late, sends(target_id)


async def two_jobs_of_one_target(world: World, context: str) -> tuple[Work, Work]:
    executions = [await accept(world.ledger, asked(context)) for _ in range(2)]
    target_id = await world.target_id(context)

    def ends(number: int, state: JobState) -> Work:
        async def work(_: World, reporter: Reporter) -> None:
            await end(reporter.ledger, executions[number], state)
            await deliver(reporter, target_id)

        return work

    for execution in executions:
        await begin(world.ledger, execution)
    return ends(0, JobState.FAILED), ends(1, JobState.SUCCEEDED)


async def reopening_and_reconciliation(world: World, context: str) -> tuple[Work, Work]:
    world.fault(Kind.ARCHIVED)
    target_id = await ended(world, context)
    await world.deliver(context)
    report_id = (await world.target(context)).newest_id or 0

    async def reopen(_: World, reporter: Reporter) -> None:
        await reporter.ledger.write(reports.reopen, report_id, credential=CREDENTIAL)
        await deliver(reporter, target_id)

    return reopen, sends(target_id, only_if_due=True)


QUICK = [task_and_late_holder]
ALL = [*QUICK, reopening_and_reconciliation, task_and_task, task_and_reconciliation, two_jobs_of_one_target]


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("database", ["postgresql"])
@pytest.mark.parametrize("prepared", ALL if FULL else QUICK)
async def test_every_order_of_statements_makes_one_status(world: World, ledger_url: str, prepared: Prepared) -> None:
    statements = Statements(world, ledger_url, INTERRUPTIONS, EVERY)
    await statements.explore(prepared)
    assert statements.schedules > 10
    print(f"{statements.schedules} schedules")  # noqa: T201  # how much was enumerated, shown with -s
    await assert_exactly_once(world)
