"""A reconciliation run's deliveries: which, in which order, for how long, and which errors it survives."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from ledger_jobs import accept, order, run_job
from sqlmodel import select
from steps import Died
from waiting import soon
from world import World

from domain.delivery.report import Phase
from fake_github.faults import Kind
from storage.models import Reconciliation
from tasks.delivery.deliver_due import ReconciliationRun, deliver_due
from tasks.delivery.reporter import Reporter

BUDGET = timedelta(seconds=50)


async def one_pass(
    world: World,
    *,
    by: Reporter | None = None,
    budget: timedelta = BUDGET,
    senders: int = 8,
) -> ReconciliationRun:
    return await deliver_due(by or world.reporter, uuid4(), budget=budget, senders=senders)


def rows(world: World) -> list[Reconciliation]:
    with world.ledger.transaction() as tx:
        return list(tx.session.exec(select(Reconciliation)))


async def test_all_that_is_due_is_delivered_and_counted(world: World) -> None:
    for number in range(3):
        await run_job(world.ledger, order(f"docs/{number}"))
    assert await one_pass(world) == ReconciliationRun(delivered=3, undelivered=0)
    (row,) = rows(world)
    assert (row.delivered, row.undelivered, row.ended_at) == (3, 0, world.clock.now)


async def test_outcomes_come_before_pending_and_the_oldest_first(world: World) -> None:
    await accept(world.ledger, order("docs/pending"))
    for name in ("first", "second"):
        world.clock.advance(1)
        await run_job(world.ledger, order(f"docs/{name}"))
    await one_pass(world, senders=1)
    assert [status.context for status in world.github.store.held()] == ["docs/first", "docs/second", "docs/pending"]


async def test_a_run_without_due_reports_ends_at_once(world: World) -> None:
    began = world.clock.now
    assert await one_pass(world) == ReconciliationRun(0, 0)
    assert world.clock.now == began


async def test_reports_due_within_the_budget_are_delivered_by_the_same_run(world: World) -> None:
    world.fault(Kind.SERVER_ERROR)
    await run_job(world.ledger, order())
    assert await one_pass(world) == ReconciliationRun(delivered=1, undelivered=0)
    assert world.held() == ["success"]


async def test_reports_due_after_the_budget_are_left_to_the_next_run(world: World) -> None:
    world.fault(Kind.SERVER_ERROR)
    await run_job(world.ledger, order())
    began = world.clock.now
    assert await one_pass(world, budget=timedelta(seconds=10)) == ReconciliationRun(delivered=0, undelivered=1)
    assert world.clock.now - began <= timedelta(seconds=10)
    world.clock.advance(20)
    assert await one_pass(world) == ReconciliationRun(delivered=1, undelivered=0)


async def test_a_slow_github_delays_no_run_beyond_its_budget_and_one_request(world: World) -> None:
    async def take_long(name: str) -> None:
        if name == "POST":
            world.clock.advance(14)

    for number in range(10):
        await run_job(world.ledger, order(f"docs/{number}"))
    began = world.clock.now
    result = await one_pass(world, by=await world.sender(take_long), senders=1)
    assert result == ReconciliationRun(delivered=4, undelivered=6)
    assert world.clock.now - began <= BUDGET + timedelta(seconds=15)


async def test_the_lease_of_a_sender_that_died_is_recovered(world: World) -> None:
    async def die(name: str) -> None:
        if name == "POST answered":
            raise Died

    await run_job(world.ledger, order())
    with pytest.raises(Died):
        await world.deliver(by=await world.sender(die))
    assert await one_pass(world) == ReconciliationRun(delivered=1, undelivered=0)
    assert world.held() == ["success"]
    assert world.posts() == 1


async def test_one_reports_exception_is_said_and_never_ends_the_pass(world: World, logged: list[str]) -> None:
    async def token_of(name: str) -> str:
        if name == "env:BROKEN":
            raise RuntimeError("this one is broken")
        return await world.token_of(name)

    await run_job(world.ledger, replace(order("docs/0"), credential="env:BROKEN"))
    for number in (1, 2):
        await run_job(world.ledger, order(f"docs/{number}"))
    result = await one_pass(world, by=replace(world.reporter, secret_of=token_of))
    assert result == ReconciliationRun(delivered=2, undelivered=1)
    assert "this one is broken" in logged[0]
    assert (rows(world))[0].ended_at is not None


async def test_a_refused_report_is_no_longer_counted_as_undelivered(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    await run_job(world.ledger, order())
    assert await one_pass(world) == ReconciliationRun(delivered=0, undelivered=0)
    assert (await world.phases())["success"] is Phase.REJECTED


async def test_a_pause_stops_all_of_its_credential_and_leaves_them_due(world: World) -> None:
    world.fault(Kind.PRIMARY_LIMIT, seconds=300)
    for number in range(5):
        await run_job(world.ledger, order(f"docs/{number}"))
    assert await one_pass(world, senders=1) == ReconciliationRun(delivered=0, undelivered=5)
    assert world.posts() == 1


async def test_a_pause_that_ends_within_the_budget_is_waited_for_by_the_same_pass(world: World) -> None:
    world.fault(Kind.SECONDARY_LIMIT, seconds=30)
    await run_job(world.ledger, order())
    assert await one_pass(world) == ReconciliationRun(delivered=1, undelivered=0)
    assert world.held() == ["success"]


async def test_a_run_ends_although_a_refused_secret_has_more_due_reports(world: World) -> None:
    world.fault(Kind.BAD_CREDENTIALS, times=0, context="docs/refused")
    world.tokens["env:OTHER"] = "another-token"
    for context in ("docs/refused", "docs/1", "docs/2"):
        await run_job(world.ledger, order(context))
    await run_job(world.ledger, replace(order("docs/other"), credential="env:OTHER"))
    began = world.clock.now
    assert await one_pass(world, senders=1) == ReconciliationRun(delivered=1, undelivered=3)
    assert world.held("docs/other") == ["success"]
    assert world.clock.now - began <= timedelta(seconds=1), "the pass does not stay for what has to wait for longer"


@pytest.mark.parametrize("senders", [1, 3])
async def test_no_more_senders_are_at_work_than_allowed(world: World, senders: int) -> None:
    at_work, most = 0, 0
    all_are_there = asyncio.Event()

    async def count(name: str) -> None:
        nonlocal at_work, most
        if name == "POST":
            at_work += 1
            most = max(most, at_work)
            if at_work >= senders:
                all_are_there.set()
            await soon(all_are_there.wait(), f"{senders} senders at once")
            await asyncio.sleep(0.02)  # one too many would come now
        elif name == "POST answered":
            at_work -= 1

    world.tokens = dict.fromkeys(("env:A", "env:B"), "a-token")
    for number in range(6):
        name = list(world.tokens)[number % 2]  # one credential alone leaves a sender to others
        await run_job(world.ledger, replace(order(f"docs/{number}"), credential=name))
    await one_pass(world, by=await world.sender(count), senders=senders)
    assert most == senders


async def test_a_run_that_dies_leaves_a_row_without_an_end_and_the_next_one_works(world: World) -> None:
    posts = 0

    async def die(name: str) -> None:
        nonlocal posts
        posts += name == "POST"
        if posts == 2:
            raise Died

    for number in range(3):
        await run_job(world.ledger, order(f"docs/{number}"))
    with pytest.raises(Died):
        await one_pass(world, by=await world.sender(die), senders=1)
    world.clock.advance(60)
    await one_pass(world)
    died, next_one = rows(world)
    assert died.ended_at is None
    assert next_one.ended_at is not None
    assert [world.held(f"docs/{number}") for number in range(3)] == [["success"]] * 3


async def test_two_concurrent_runs_deliver_each_report_once(world: World) -> None:
    for number in range(6):
        await run_job(world.ledger, order(f"docs/{number}"))
    passes = await asyncio.gather(one_pass(world), one_pass(world))
    assert sum(one.delivered for one in passes) == 6
    assert world.posts() == 6
