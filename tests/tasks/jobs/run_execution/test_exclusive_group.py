"""A job waits for the others of its exclusive group, which are shown meanwhile and delay nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID

import pytest
from executions import Executions, ended_of
from ledger_jobs import accept, begin, end, order
from waiting import LONGEST, until

from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from tasks.jobs.execution_spec import EndedExecution, Work


async def begin_first(executions: Executions) -> Execution:
    """Begin another job of the group."""
    first = await accept(executions.world.ledger, order("docs/first", group="g"))
    await begin(executions.world.ledger, first)
    return first


async def start_after_another(
    executions: Executions, script: str, on_wait: Callable[[Sequence[UUID]], Awaitable[None]]
) -> tuple[asyncio.Task[EndedExecution | None], Work]:
    """Start a job that waited for another of its group, which has just ended."""
    told = asyncio.Event()

    async def publish(ahead: Sequence[UUID]) -> None:
        told.set()
        await on_wait(ahead)

    first = await begin_first(executions)
    work = await executions.accept(script, order(group="g"))
    running = executions.start(work, on_wait=publish)
    await until(told.is_set)
    await end(executions.world.ledger, first)
    return running, work


async def test_the_job_ahead_in_the_group_is_reported(executions: Executions) -> None:
    first = await begin_first(executions)
    running = executions.start(await executions.accept("true", order(group="g")))
    await until(lambda: len(executions.waited_for) == 1)
    await end(executions.world.ledger, first)
    await running
    assert executions.waited_for == [[first.job_id], []]


async def test_a_job_that_is_cancelled_while_it_waits_for_its_group_is_cancelled_too(executions: Executions) -> None:
    first = await begin_first(executions)
    work = await executions.accept("echo no", order(group="g"))
    running = executions.start(work)
    await until(lambda: executions.waited_for == [[first.job_id]])
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await executions.job(work)).state is JobState.CANCELLED


async def test_the_command_does_not_wait_for_the_wait_callback(executions: Executions, tmp_path: Path) -> None:
    """A slow callback gets the newest state, and none that is over by then."""
    go_on, told = asyncio.Event(), list[int]()

    async def slow(ahead: Sequence[UUID]) -> None:
        await go_on.wait()
        told.append(len(ahead))

    running, work = await start_after_another(executions, f"touch {tmp_path}/began", slow)
    await until((tmp_path / "began").exists)
    await executions.until_it_is(work, JobState.SUCCEEDED)
    assert not running.done()
    go_on.set()
    assert ended_of(await running).state is JobState.SUCCEEDED
    assert told == [0]


async def test_a_failing_begin_callback_ends_nothing(executions: Executions, logged: list[str]) -> None:
    async def away(ahead: Sequence[UUID]) -> None:
        if not ahead:
            raise ConnectionError("connection refused")

    running, _ = await start_after_another(executions, "true", away)
    assert ended_of(await running).state is JobState.SUCCEEDED
    assert logged == ["the jobs that this one waits for could not be shown: ConnectionError('connection refused')"]


async def test_a_cancel_does_not_wait_for_the_begin_callback(executions: Executions, tmp_path: Path) -> None:
    ended = []

    async def slow(ahead: Sequence[UUID]) -> None:
        if not ahead:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("telling")

    running, work = await start_after_another(executions, f"touch {tmp_path}/began; sleep 60", slow)
    await until((tmp_path / "began").exists)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended == ["telling"]
    assert (await executions.job(work)).state is JobState.CANCELLED


async def test_jobs_without_a_group_do_not_wait_for_each_other(executions: Executions, tmp_path: Path) -> None:
    meet = "touch {0}/{1}; while [ ! -e {0}/{2} ]; do sleep 0.02; done"
    pair = [executions.run(meet.format(tmp_path, a, b), order(f"docs/{a}"), timeout=LONGEST) for a, b in ("xy", "yx")]
    assert [one.state for one in await asyncio.gather(*pair)] == [JobState.SUCCEEDED] * 2
