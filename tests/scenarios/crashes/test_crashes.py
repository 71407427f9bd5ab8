"""A sender dies at each of its effects; after reconciliation GitHub holds one status, never two."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count
from typing import TypeAlias

import pytest
from full import SQLITE_OR_ALL
from ledger_jobs import accept, begin, end, order, run_job
from steps import AtEffect, Died, Step
from ways import SETTLE_AFTER, reply_lost, request_lost, stored_late, straight
from world import World

from domain.jobs.job_states import JobState
from tasks.delivery.reporter import Reporter

LEASE = 30


Path: TypeAlias = Callable[[World, Reporter, str], Awaitable[object]]


pytestmark = pytest.mark.parametrize("database", SQLITE_OR_ALL)
PATHS = pytest.mark.parametrize("path", [straight, reply_lost, request_lost, stored_late])


async def every_crash(world: World, path: Path, prepare: Callable[[str], Awaitable[object]]) -> list[str]:
    """Take *path* for one context after another, dying one effect later each time; the contexts of those that died."""
    died = []
    for last in count():
        context = f"docs/{last}"
        await prepare(context)
        effects = AtEffect(last)
        try:
            await path(world, await world.sender(effects), context)
        except Died:
            died.append(context)
        else:
            world.github.script.clear()
            assert len(effects.names) == last  # every effect had its turn
            return died
        world.github.script.clear()
    raise AssertionError


@PATHS
async def test_a_crash_anywhere_still_ends_in_one_status(world: World, path: Path) -> None:
    died = await every_crash(world, path, lambda context: run_job(world.ledger, order(context)))
    assert len(died) >= 8
    world.clock.advance(LEASE)
    await world.reconcile()
    assert {context: world.held(context) for context in died} == {context: ["success"] for context in died}


@PATHS
async def test_pending_never_comes_after_its_outcome_wherever_its_sender_crashes(world: World, path: Path) -> None:
    executions = {}

    async def start(context: str) -> None:
        executions[context] = await accept(world.ledger, order(context))
        await begin(world.ledger, executions[context])

    died = await every_crash(world, path, start)
    for context in died:
        await end(world.ledger, executions[context])
    world.clock.advance(LEASE)
    await world.reconcile()
    ends = {context: world.held(context) for context in died}
    assert all(held in (["success"], ["pending", "success"]) for held in ends.values()), ends


@pytest.mark.parametrize("first", [0, 3, 4, 6])
async def test_crashes_of_one_sender_after_another_still_end_in_one_status(world: World, first: int) -> None:
    """Each sender gets one effect further than the one before."""
    await run_job(world.ledger, order())
    for last in range(first, 13):
        with suppress(Died):
            await world.deliver(by=await world.sender(AtEffect(last)))
        world.clock.advance(LEASE + SETTLE_AFTER)
    assert world.held() == ["success"]


async def test_a_job_that_ends_while_its_pending_hangs_is_shown_once_and_last(world: World) -> None:
    execution = await accept(world.ledger, order())
    await begin(world.ledger, execution)

    async def end_meanwhile(name: str) -> None:
        if name == "POST":
            await end(world.ledger, execution, JobState.FAILED)

    step: Step = end_meanwhile
    await world.deliver(by=await world.sender(step))
    await world.reconcile()
    assert world.held() == ["pending", "failure"]
