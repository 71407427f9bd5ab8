"""Carry out one execution: wait for its group, do its work, end it with its report.

A beat goes on meanwhile. When it says that the execution is no longer ours, the command is ended, nothing is reported.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias
from uuid import UUID

from domain.jobs.execution import EndStored, Execution
from domain.jobs.job import JobState
from domain.output.progress import ShowProgress, unseen
from domain.redact import of_error
from domain.text import LogLine
from storage.engine import LedgerUnavailable
from storage.jobs import jobs
from tasks.delivery.deliver import Reporter
from tasks.delivery.ledger_retry import is_told, retry_while_unavailable
from tasks.jobs.build import execute
from tasks.jobs.heartbeat import Stopped, keep_heartbeat
from tasks.jobs.job_spec import CANCELLED, Ended, Ending, Work
from tasks.process.uncancellable import run_uncancellable, sigterm_ignored

__all__ = ["Ended", "Watchers", "Work", "carry_out"]

LOOK_EVERY = timedelta(seconds=1)
"""How often a job whose exclusive group is taken looks whether it is free."""

EndingFuture: TypeAlias = "asyncio.Future[Ending | None]"


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who is told, and asked, while a job is carried out.

    `on_line` gets the command's output, `warn` what an operator should read, `on_wait` the jobs that keep this
    one from its exclusive group, whenever they change: none once it is free. `is_cancelled` is asked now and then.
    `on_progress` is told how far the command is, as often as it says so.
    """

    on_line: LogLine
    warn: LogLine
    on_wait: Callable[[Sequence[UUID]], Awaitable[None]]
    is_cancelled: Callable[[], Awaitable[bool]]
    on_progress: ShowProgress = unseen


async def carry_out(reporter: Reporter, work: Work, watchers: Watchers) -> Ended | None:
    """Carry out *work* and end it. None: the execution was ended or taken over by somebody else, and is left to them.

    What it came to is stored while its folders go, which may take a minute; when this returns, they are gone or closed.
    Cancelled, however often: no process of the job is left, the execution is ended as cancelled unless it had come to
    its end, and its report is the reconciliation's; if `is_cancelled` said so, the caller's.
    """
    result: EndingFuture = asyncio.get_running_loop().create_future()
    working = asyncio.create_task(_work(reporter, work, watchers, result))
    beating = asyncio.create_task(keep_heartbeat(reporter, work.execution, watchers.is_cancelled, watchers.warn))
    try:
        await _first_of(result, working, beating)
        if not (result.done() or working.done()):
            if beating.result() is Stopped.NOT_OURS:
                return None
            working.cancel()
        ended = await _ended(reporter, work, result, working, watchers.warn)
    except asyncio.CancelledError:
        with sigterm_ignored():
            working.cancel()
            await run_uncancellable(lambda: _ended(reporter, work, result, working, watchers.warn))
            await asyncio.wait({working})
        raise
    else:
        await asyncio.wait({working})  # its folders go
        return ended
    finally:
        await _stop(working, beating)


async def _first_of(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel *tasks*. When this returns, no process of the work is left, and nobody uses the ledger."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _work(reporter: Reporter, work: Work, watchers: Watchers, result: EndingFuture) -> None:
    """Do *work*. *result* gets its ending as soon as nothing of it runs, or None: it is not ours. Folders go after."""
    async with asyncio.TaskGroup() as beside:
        try:
            if await _begun(reporter, work.execution, watchers, beside):
                say, trouble, progress = watchers.on_line, watchers.warn, watchers.on_progress
                await execute(reporter, work, result.set_result, say, trouble, on_progress=progress)
            else:
                result.set_result(None)
        except Exception as error:  # noqa: BLE001  # our own bug must not leave `pending` on the commit
            watchers.warn(f"Reportback itself failed: {of_error(error)}")
            if not result.done():
                result.set_result(Ending(JobState.CRASHED, f"could not be run: {type(error).__name__}"))


async def _begun(reporter: Reporter, execution: Execution, watchers: Watchers, beside: asyncio.TaskGroup) -> bool:
    """Wait for the job's exclusive group, or a ledger that is away, and begin. False: no longer ours.

    For whom it waits is told *beside*, in order: a group that is free, or taken by us, waits for nobody who is slow.
    """
    before: list[UUID] = []
    telling: asyncio.Task[None] | None = None
    failures = 0
    while True:
        try:
            async with reporter.ledger.transaction() as session:
                now = await reporter.ledger.clock(session)
                state = await jobs.begin(session, execution.job_id, execution.number, now=now)
                waits = state is JobState.WAITING
                ahead = await jobs.waits_for(session, execution.job_id, now=now) if waits else []
            failures = 0
        except LedgerUnavailable as error:
            failures += 1
            if is_told(failures):
                watchers.warn(f"the job could not be begun, and is tried again: {error}")
            state, ahead = JobState.WAITING, before
        if ahead != before:
            before = ahead
            if telling:
                telling.cancel()  # what is new is all that matters
            telling = beside.create_task(_told(watchers, ahead, after=telling))
        if state is not JobState.WAITING:
            return state is JobState.RUNNING
        await asyncio.sleep(LOOK_EVERY.total_seconds())


async def _told(watchers: Watchers, ahead: Sequence[UUID], *, after: asyncio.Task[None] | None) -> None:
    if after:
        await asyncio.wait({after})
    try:
        await watchers.on_wait(ahead)
    except Exception as error:  # noqa: BLE001  # whatever it is, the job goes on
        watchers.warn(f"it could not be told for whom the job waits: {error}")


async def _ended(
    reporter: Reporter, work: Work, result: EndingFuture, working: asyncio.Task[None], warn: LogLine
) -> Ended | None:
    """End the execution by what it came to; by a cancel, if it is stopped before. None: it is no longer ours."""
    await _first_of(result, working)
    ending = result.result() if result.done() else CANCELLED
    return await _end(reporter, work, ending, warn) if ending else None


async def _end(reporter: Reporter, work: Work, ending: Ending, warn: LogLine) -> Ended | None:
    """End the execution and record its report, in one transaction. None: it is no longer ours.

    Waits for a ledger that is away, without limit: what a job came to is known nowhere else.
    """
    execution, tries = work.execution, 0

    async def end() -> EndStored | None:
        nonlocal tries
        tries += 1
        async with reporter.ledger.transaction() as session:
            now = await reporter.ledger.clock(session)
            ended = await jobs.end(
                session, execution.job_id, execution.number, ending.state, summary=ending.summary,
                exit_code=ending.exit_code, url=ending.url, credential=work.order.credential,
                actor=reporter.actor, now=now,
            )  # fmt: skip
            if ended is None and tries > 1:  # the ledger may have been lost after its commit, before it said so
                ended = await jobs.ended_in(session, execution.job_id, execution.number, ending.state)
            return ended

    stored = await retry_while_unavailable(end, longest=None, failed="the job's end could not be stored", warn=warn)
    return Ended(ending.state, ending.summary, stored.report_id) if stored else None
