"""Due reports of one credential delay no report of another. In simulated time."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import pytest
from full import FULL
from ledger_jobs import CREDENTIAL, accept, order, run_job
from log_lines import nothing_logged
from simulated import in_simulated_time
from world import World

from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from fake_github.faults import Kind
from tasks.delivery.deliver_due import ReconciliationRun, deliver_due
from tasks.delivery.reporter import Reporter
from tasks.report_status import deliver_report

PASS = timedelta(seconds=50)
SENDERS = 8
REQUEST = 14.0
"""Seconds that a slow request takes: GitHub answers just in time."""

B = "env:B"
Simulated: TypeAlias = Callable[[Policy, Callable[[World], Awaitable[None]]], None]


@pytest.fixture
def simulated(sqlite_template: Path, tmp_path: Path) -> Simulated:
    """Run a test in a world with simulated time."""
    shutil.copy(sqlite_template, tmp_path / "ledger.db")
    return partial(in_simulated_time, f"sqlite:///{tmp_path}/ledger.db")


async def one_pass(by: Reporter, *, senders: int = SENDERS, budget: timedelta = PASS) -> ReconciliationRun:
    with nothing_logged():
        return await deliver_due(by, uuid4(), budget=budget, senders=senders)


async def recorded(world: World, context: str, credential: str) -> None:
    """An outcome is due."""
    world.tokens.setdefault(credential, f"token of {credential}")
    await run_job(world.ledger, replace(order(context), credential=credential))


async def waited(world: World, by: Reporter, *, senders: int = SENDERS) -> float:
    """Seconds that an outcome of B waits which is recorded 2 s after the reconciliation run began."""
    passing = asyncio.create_task(one_pass(by, senders=senders))
    await asyncio.sleep(2)
    recorded_at = world.clock.now
    await recorded(world, "docs/b", B)
    while not world.held("docs/b"):
        assert not passing.done()
        await asyncio.sleep(0.1)
    passing.cancel()
    await asyncio.wait({passing})
    return (world.clock.now - recorded_at).total_seconds()


async def slow(world: World, *methods: str) -> Reporter:
    """A sender whose requests take almost their whole time limit."""

    async def step(name: str) -> None:
        if name in methods:
            await asyncio.sleep(REQUEST)

    return await world.sender(step)


BUDGETS = {"budget": WriteBudget(), "no spacing": WriteBudget(9999, 9999, timedelta(0)), "no budget": None}


def test_a_batch_of_one_credential_holds_up_no_other_s_outcome(simulated: Simulated) -> None:
    async def test(world: World) -> None:
        for number in range(30):
            await recorded(world, f"docs/a{number}", CREDENTIAL)
        assert await waited(world, world.reporter) < 1.5

    simulated(Policy(budget=WriteBudget()), test)


@pytest.mark.parametrize("budget", BUDGETS if FULL else ["budget", "no budget"])
def test_a_batch_whose_requests_are_slow_leaves_a_sender_to_others(simulated: Simulated, budget: str) -> None:
    async def test(world: World) -> None:
        for number in range(20):
            await recorded(world, f"docs/a{number}", CREDENTIAL)
        assert await waited(world, await slow(world, "POST")) < REQUEST + 1.5

    simulated(Policy(budget=BUDGETS[budget]), test)


def test_a_credential_without_a_token_delays_no_other(simulated: Simulated) -> None:
    async def test(world: World) -> None:
        async def token_of(name: str) -> str:
            await asyncio.sleep(100 if name == CREDENTIAL else 0)
            return "a-token"

        for number in range(SENDERS):
            await recorded(world, f"docs/a{number}", CREDENTIAL)
        assert await waited(world, replace(world.reporter, secret_of=token_of)) < 2

    simulated(Policy(budget=None), test)


@pytest.mark.parametrize("senders", [1, 2, 8] if FULL else [2, 8])
def test_the_credential_that_has_waited_longest_is_next(simulated: Simulated, senders: int) -> None:
    """With several credentials that are always busy, and slow requests."""

    async def test(world: World) -> None:
        for name in ("env:A", "env:C", "env:D"):
            for number in range(10):
                await recorded(world, f"docs/{name[4:]}{number}", name)
        rounds = 3 if senders < 3 else 1  # each of them may be served once before
        assert await waited(world, await slow(world, "POST"), senders=senders) < (rounds + 1) * REQUEST + 2

    simulated(Policy(budget=None), test)


def test_looking_where_a_request_was_late_holds_up_no_outcome(simulated: Simulated) -> None:
    async def test(world: World) -> None:
        for number in range(6):
            world.fault(Kind.CLOSE, where="after")
            await recorded(world, f"docs/a{number}", CREDENTIAL)
        await one_pass(world.reporter)
        await asyncio.sleep(61)
        await one_pass(world.reporter)  # each is found
        await asyncio.sleep(61)  # then each asks for a look
        assert await waited(world, await slow(world, "GET")) < 2

    simulated(Policy(budget=None), test)


def test_a_batch_goes_on_by_the_second_however_long_a_request_takes(simulated: Simulated) -> None:
    async def test(world: World) -> None:
        async def step(name: str) -> None:
            if name == "POST":
                await asyncio.sleep(3)

        for number in range(20):
            await recorded(world, f"docs/a{number}", CREDENTIAL)
        result = await one_pass(await world.sender(step), budget=timedelta(seconds=16))
        assert result.delivered >= 16

    simulated(Policy(budget=WriteBudget()), test)


def test_outcomes_are_sent_while_jobs_begin_without_end(simulated: Simulated) -> None:
    """Two `pending` a second, each from a task of its own: more than a second has room for."""

    async def test(world: World) -> None:
        async def begins(number: int) -> None:
            await accept(world.ledger, order(f"docs/begins-{number}"))
            await deliver_report(world.reporter, await world.newest(f"docs/begins-{number}"), job_ends_now=True)

        async def jobs_begin() -> None:
            async with asyncio.TaskGroup() as group:
                for number in range(20):
                    group.create_task(begins(number))
                    await asyncio.sleep(0.5)

        beginning = asyncio.create_task(jobs_begin())
        await asyncio.sleep(3)
        for number in range(4):
            await recorded(world, f"docs/a{number}", CREDENTIAL)
        recorded_at = world.clock.now
        await one_pass(world.reporter, budget=timedelta(seconds=8))
        done = [one.created_at - recorded_at for one in world.github.store.held() if one.state == "success"]
        assert len(done) == 4
        assert max(done) <= timedelta(seconds=7)
        await beginning

    simulated(Policy(budget=WriteBudget(80, 9999)), test)
