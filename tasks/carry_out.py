"""Carry out one execution: wait for its group, do its work, end it with its report.

A beat goes on meanwhile. When it says that the execution is no longer ours, the command is ended, nothing is reported.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.job import JobState
from domain.progress import ShowProgress, unseen
from domain.text import Say
from storage import jobs
from storage.engine import LedgerIsAway
from storage.jobs import Execution
from tasks.beat import Stopped, beat_on
from tasks.deliver import Reporter
from tasks.execute import execute
from tasks.work import Ended, Ending, Work

__all__ = ["Ended", "Watchers", "Work", "carry_out"]

LOOK_EVERY = timedelta(seconds=1)
"""How often a job whose exclusive group is taken looks whether it is free."""

AGAIN = timedelta(seconds=5)


CANCELLED = Ending(JobState.CANCELLED, "cancelled")


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is told, and asked, while a job is carried out.

    `on_line` gets the command's output, `on_trouble` what an operator should read, `on_wait` the jobs that keep this
    one from its exclusive group, whenever they change: none once it is free. `is_cancelled` is asked now and then.
    `on_progress` is told how far the command is, as often as it says so.
    """

    on_line: Say
    on_trouble: Say
    on_wait: Callable[[Sequence[UUID]], Awaitable[None]]
    is_cancelled: Callable[[], Awaitable[bool]]
    on_progress: ShowProgress = unseen


async def carry_out(reporter: Reporter, work: Work, watchers: Watchers) -> Ended | None:
    """Carry out *work* and end it. None: the execution was ended or taken over by somebody else, and is left to them.

    Cancelled: no process of the job is left, the execution is ended as cancelled, and its report is the
    reconciliation's; if `is_cancelled` said so, the caller's.
    """
    working = asyncio.create_task(_work(reporter, work, watchers))
    beating = asyncio.create_task(beat_on(reporter, work.execution, watchers.is_cancelled, watchers.on_trouble))
    try:
        await asyncio.wait({working, beating}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            ending = working.result()
        elif beating.result() is Stopped.CANCELLED:
            ending = await _came_to(working) or CANCELLED
        else:
            return None
        return await _end(reporter, work, ending, watchers.on_trouble) if ending else None
    except asyncio.CancelledError:
        ending = await _came_to(working) or CANCELLED
        await asyncio.shield(_end(reporter, work, ending, watchers.on_trouble))
        raise
    finally:
        await _stop(working, beating)


async def _came_to(working: asyncio.Task[Ending | None]) -> Ending | None:
    """Stop the work: what it came to, if it had come to its end before."""
    await _stop(working)
    return None if working.cancelled() else working.result()


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel *tasks*. When this returns, no process of the work is left, and nobody uses the ledger."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _work(reporter: Reporter, work: Work, watchers: Watchers) -> Ending | None:
    try:
        if not await _begun(reporter, work.execution, watchers):
            return None
        return await execute(reporter, work, watchers.on_line, watchers.on_trouble, watchers.on_progress)
    except Exception as error:  # noqa: BLE001  # our own bug must not leave `pending` on the commit
        watchers.on_trouble(f"Reportback itself failed: {error!r}")
        return Ending(JobState.CRASHED, f"could not be run: {type(error).__name__}")


async def _begun(reporter: Reporter, execution: Execution, watchers: Watchers) -> bool:
    """Wait for the job's exclusive group, or a ledger that is away, and begin. False: no longer ours."""
    before: list[UUID] = []
    while True:
        try:
            async with reporter.ledger.transaction() as session:
                now = await reporter.ledger.clock(session)
                state = await jobs.begin(session, execution.job_id, execution.number, now=now)
                waits = state is JobState.WAITING
                ahead = await jobs.waits_for(session, execution.job_id, now=now) if waits else []
        except LedgerIsAway as error:
            watchers.on_trouble(f"the job could not be begun, and is tried again: {error}")
            state, ahead = JobState.WAITING, before
        if ahead != before:
            await watchers.on_wait(before := ahead)
        if state is not JobState.WAITING:
            return state is JobState.RUNNING
        await asyncio.sleep(LOOK_EVERY.total_seconds())


async def _end(reporter: Reporter, work: Work, ending: Ending, on_trouble: Say) -> Ended | None:
    """End the execution and record its report, in one transaction. None: it is no longer ours.

    Waits for a ledger that is away: what a job came to is known nowhere else.
    """
    execution, may_be_stored = work.execution, False
    while True:
        try:
            async with reporter.ledger.transaction() as session:
                now = await reporter.ledger.clock(session)
                ended = await jobs.end(
                    session, execution.job_id, execution.number, ending.state, summary=ending.summary,
                    exit_code=ending.exit_code, url=ending.url, credential=work.order.credential,
                    actor=reporter.actor, now=now,
                )  # fmt: skip
                if ended is None and may_be_stored:
                    ended = await jobs.ended_in(session, execution.job_id, execution.number, ending.state)
        except LedgerIsAway as error:
            on_trouble(f"the job's end could not be stored, and is tried again: {error}")
            may_be_stored = True  # the ledger may have been lost after its commit, before it said so
            await asyncio.sleep(AGAIN.total_seconds())
        else:
            return Ended(ending.state, ending.summary, ended.report_id) if ended else None
