"""The cases from the review of the old system, one test for each."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest
from ledger_jobs import CREDENTIAL, accept, begin, end, order, run_job
from steps import AtEffect, Died
from transactions import at
from world import Clock, World, due_ids

from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.delivery import reports
from storage.delivery.availability import Busy, Settled
from storage.ledger import open_ledger

HOUR = 60 * 60


async def test_two_callers_at_once_make_one_status(world: World) -> None:
    await run_job(world.ledger, order())
    async with asyncio.TaskGroup() as callers:
        for _ in range(2):
            callers.create_task(world.deliver(by=await world.sender()))
    assert world.held() == ["success"]


async def test_rapid_successive_updates_end_in_the_last_one(world: World) -> None:
    asked = order()
    for state in (JobState.FAILED, JobState.CRASHED, JobState.FAILED):
        await run_job(world.ledger, asked, state)
        await world.deliver()
    await run_job(world.ledger, asked, JobState.SUCCEEDED)
    await world.reconcile()
    assert world.held() == ["failure", "error", "failure", "success"]


async def test_updates_faster_than_github_answers_leave_the_last_one_on_top(world: World) -> None:
    asked = order()
    first = await accept(world.ledger, asked)

    async def overtake(name: str) -> None:
        if name == "POST":
            await begin(world.ledger, first)
            await end(world.ledger, first, JobState.FAILED)
            await run_job(world.ledger, asked)

    await world.deliver(by=await world.sender(overtake))
    await world.reconcile()
    assert world.held() == ["pending", "success"]


@pytest.mark.parametrize(
    "kind",
    [Kind.GONE, Kind.BLOCKED, Kind.TOO_MANY, Kind.ARCHIVED, Kind.SSO, Kind.FORBIDDEN],
)
async def test_a_permanent_4xx_is_not_retried_and_is_listed_with_githubs_words(world: World, kind: Kind) -> None:
    world.fault(kind, times=0)
    await run_job(world.ledger, order())
    await world.reconcile(passes=3, every=HOUR)
    assert world.posts() == 1
    assert (await world.phases())["success"] is Phase.REJECTED
    assert ": " in ((await world.target()).last_error or "")


@pytest.mark.parametrize("where", ["before", "after"])
async def test_a_transient_failure_is_recovered_by_one_status(world: World, where: str) -> None:
    world.fault(Kind.SERVER_ERROR, where=where)
    await run_job(world.ledger, order())
    await world.reconcile()
    assert world.held() == ["success"]


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
async def test_a_network_error_before_anything_left_is_simply_tried_again(
    world: World, error: type[httpx.TransportError]
) -> None:
    async def fail(name: str) -> None:
        if name == "POST":
            raise error("no route")

    await run_job(world.ledger, order())
    await world.deliver(by=await world.sender(fail))
    assert (await world.target()).doubt_until is None
    await world.deliver()
    assert world.held() == ["success"]
    assert world.asked("GET") == 0


@pytest.mark.parametrize("step", ["POST", "POST answered"])
@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.WriteError, httpx.RemoteProtocolError, TimeoutError])
async def test_a_network_error_once_it_may_have_left_is_read_back_first(
    world: World, error: type[Exception], step: str
) -> None:
    async def fail(name: str) -> None:
        if name == step:
            raise error("gone")

    await run_job(world.ledger, order())
    await world.deliver(by=await world.sender(fail))
    await world.reconcile()
    assert world.held() == ["success"]
    assert world.asked("GET") >= 1


async def test_a_restart_between_the_jobs_end_and_its_report_loses_nothing(
    world: World, clock: Clock, ledger_url: str
) -> None:
    await run_job(world.ledger, order())
    async with open_ledger(ledger_url, clock=clock.of_ledger) as again:
        await world.deliver(by=await world.sender(ledger=again))
    assert world.held() == ["success"]


async def test_a_restart_during_the_report_repeats_nothing(world: World, clock: Clock, ledger_url: str) -> None:
    await run_job(world.ledger, order())
    with suppress(Died):
        await world.deliver(by=await world.sender(AtEffect(0, counted=("POST answered",))))
    clock.advance(30)
    async with open_ledger(ledger_url, clock=clock.of_ledger) as again:
        await world.deliver(by=await world.sender(ledger=again))
    assert world.held() == ["success"]
    assert world.posts() == 1


async def test_a_manual_retry_after_all_retries_delivers(world: World) -> None:
    world.fault(Kind.ARCHIVED)
    await run_job(world.ledger, order())
    await world.reconcile()
    newest = (await world.target()).newest_id
    with world.ledger.transaction() as tx:
        assert reports.reopen(at(tx, actor="ann"), newest or 0, credential=CREDENTIAL)
    assert isinstance(await world.deliver(), Settled)
    assert world.held() == ["success"]


async def test_a_job_without_a_target_reports_nothing(world: World) -> None:
    execution = await accept(world.ledger, replace(order(), target=None, url=None))
    await begin(world.ledger, execution)
    assert await end(world.ledger, execution) is None
    with world.ledger.transaction() as tx:
        assert due_ids(tx, limit=10) == []
    assert world.posts() == 0


MALFORMED = {
    "a page instead of JSON": {"kind": Kind.HTML},
    "half a body": {"kind": Kind.TRUNCATE},
    "another success": {"kind": Kind.ODD_SUCCESS},
    "another's status": {"kind": Kind.FOREIGN},
    "no JSON": {"kind": Kind.ANSWER, "status": 201, "body": "ok"},
    "no id": {"kind": Kind.ANSWER, "status": 201, "body": {"context": "docs/sphinx"}},
    "a list": {"kind": Kind.ANSWER, "status": 201, "body": [1]},
}


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("reply", MALFORMED)
async def test_a_malformed_reply_makes_one_status(world: World, reply: str, where: str) -> None:
    world.fault(**MALFORMED[reply], where=where)  # type: ignore[arg-type]  # the fields of a fault, checked by it
    await run_job(world.ledger, order())
    await world.reconcile()
    assert world.held() == ["success"]


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("kind", [Kind.PRIMARY_LIMIT, Kind.SECONDARY_LIMIT])
async def test_a_limit_is_waited_out_as_long_as_github_says(world: World, kind: Kind, status: int) -> None:
    world.fault(kind, status=status, seconds=300)
    await run_job(world.ledger, order())
    await world.deliver()
    world.clock.advance(299)
    assert isinstance(await world.deliver(), Busy)
    assert world.posts() == 1
    world.clock.advance(2)
    await world.deliver()
    assert world.held() == ["success"]


async def test_a_403_that_is_no_limit_is_not_retried(world: World) -> None:
    world.fault(Kind.FORBIDDEN)
    await run_job(world.ledger, order())
    await world.reconcile(passes=3, every=HOUR)
    assert world.held() == []
    assert world.posts() == 1


async def test_a_429_without_a_time_pauses_for_a_minute(world: World) -> None:
    world.fault(Kind.SECONDARY_LIMIT, status=429)
    await run_job(world.ledger, order())
    await world.deliver()
    world.clock.advance(59)
    assert isinstance(await world.deliver(), Busy)
    world.clock.advance(1)
    await world.deliver()
    assert world.held() == ["success"]
