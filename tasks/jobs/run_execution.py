"""Runs one execution: wait for its exclusive group, do its work, end it and record its report.

Heartbeats go on meanwhile. If one finds that the execution is no longer ours, the command is ended, nothing reported.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from typing import Any, TypeAlias
from uuid import UUID

from domain.delivery.check_output import Conclusion, Output
from domain.delivery.surface import SurfaceName
from domain.jobs.check_summary import check_output
from domain.jobs.execution import EndStored, Execution
from domain.jobs.job_states import JobState
from domain.output.progress import ShowProgress, ignore_progress
from domain.redact import of_error
from domain.text import LogLine
from storage.jobs import jobs
from storage.transaction import Transaction
from tasks.delivery.ledger_retry import retry_while_unavailable
from tasks.delivery.reporter import Reporter
from tasks.jobs.build_steps import execute
from tasks.jobs.execution_spec import CANCELLED, EndedExecution, ExecutionResult, Work
from tasks.jobs.heartbeat import keep_heartbeat
from tasks.jobs.run_commands import ignore_prepared
from tasks.process.uncancellable import run_uncancellable, sigterm_ignored

POLL_EVERY = timedelta(seconds=1)
"""How often a job checks whether its exclusive group is free."""

logger = logging.getLogger("reportback.jobs")

ResultFuture: TypeAlias = "asyncio.Future[ExecutionResult | None]"


@dataclass(frozen=True, slots=True)
class Callbacks:
    """The callbacks of a running job.

    `on_line` gets the command's output, `on_wait` the jobs that block this one's exclusive group, whenever they change:
    none once it is free. `why_cancelled` is called at intervals; empty: it is not. `on_progress` gets the command's
    progress, as often as its output reports it. `on_prepared` is called between its preparations and the command.
    """

    on_line: LogLine
    on_wait: Callable[[Sequence[UUID]], Awaitable[None]]
    why_cancelled: Callable[[], Awaitable[str]]
    on_progress: ShowProgress = ignore_progress
    on_prepared: Callable[[], None] = ignore_prepared


async def carry_out(reporter: Reporter, work: Work, callbacks: Callbacks) -> EndedExecution | None:
    """Run *work* and end its execution. None: another process ended it or took it over, and it is left alone.

    The result is stored while folders are removed, which may take a minute; on return they are removed or closed.
    Cancelled, however often: no process of the job is left, the execution is ended as cancelled unless it had its
    result, and its report is the reconciliation's; if `why_cancelled` gave a reason, the caller's.
    """
    result: ResultFuture = asyncio.get_running_loop().create_future()
    working = asyncio.create_task(_work(reporter, work, callbacks, result))
    heartbeat = asyncio.create_task(keep_heartbeat(reporter, work.execution, callbacks.why_cancelled))
    cancelled = CANCELLED
    try:
        await _first_of(result, working, heartbeat)
        if not (result.done() or working.done()):
            if (why := heartbeat.result()) is None:
                return None
            cancelled = replace(CANCELLED, summary=why)
            working.cancel()
        ended = await _finish(reporter, work, result, working, cancelled)
    except asyncio.CancelledError:
        with sigterm_ignored():
            working.cancel()
            await run_uncancellable(lambda: _finish(reporter, work, result, working, cancelled))
            await asyncio.wait({working})
        raise
    else:
        await asyncio.wait({working})  # its folders are removed
        return ended
    finally:
        await _stop(working, heartbeat)


async def _first_of(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel *tasks*. When this returns, no process of the work is left, and none of them uses the ledger."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _work(reporter: Reporter, work: Work, callbacks: Callbacks, result: ResultFuture) -> None:
    """Do *work*. Sets *result* once none of its processes runs, None if not ours; then folders are removed."""
    async with asyncio.TaskGroup() as beside:
        try:
            if await _start(reporter, work.execution, callbacks, beside):
                await execute(
                    reporter, work, result.set_result, callbacks.on_line,
                    on_progress=callbacks.on_progress, on_prepared=callbacks.on_prepared,
                )  # fmt: skip
            else:
                result.set_result(None)
        except Exception as error:  # noqa: BLE001  # a bug of ours must not leave `pending` on the commit
            logger.warning("Reportback itself failed: %s", of_error(error))
            if not result.done():
                result.set_result(ExecutionResult(JobState.CRASHED, f"could not be run: {type(error).__name__}"))


async def _start(reporter: Reporter, execution: Execution, callbacks: Callbacks, beside: asyncio.TaskGroup) -> bool:
    """Wait for the job's exclusive group, or an unavailable ledger, and start. False: no longer ours.

    The jobs it waits for are published in tasks of *beside*, in order: a slow callback never delays the start.
    """
    before: list[UUID] = []
    notifying: asyncio.Task[None] | None = None

    def begin() -> Awaitable[tuple[JobState | None, list[UUID]]]:
        return reporter.ledger.write(_begin, execution)

    while True:
        state, ahead = await retry_while_unavailable(begin, longest=None, failed="the job could not be started")
        if ahead != before:
            before = ahead
            if notifying:
                notifying.cancel()  # only the latest matters
            notifying = beside.create_task(_notify_waiting(callbacks, ahead, after=notifying))
        if state is not JobState.WAITING:
            return state is JobState.RUNNING
        await asyncio.sleep(POLL_EVERY.total_seconds())


def _begin(tx: Transaction, execution: Execution) -> tuple[JobState | None, list[UUID]]:
    """Start the execution; its new state, and the jobs that it waits for."""
    state = jobs.begin(tx, execution.job_id, execution.number)
    return state, jobs.waits_for(tx, execution.job_id) if state is JobState.WAITING else []


async def _notify_waiting(callbacks: Callbacks, ahead: Sequence[UUID], *, after: asyncio.Task[None] | None) -> None:
    if after:
        await asyncio.wait({after})
    try:
        await callbacks.on_wait(ahead)
    except Exception as error:  # noqa: BLE001  # whatever the error, the job goes on
        logger.warning("the jobs that this one waits for could not be shown: %s", of_error(error))


async def _finish(
    reporter: Reporter, work: Work, result: ResultFuture, working: asyncio.Task[None], cancelled: ExecutionResult
) -> EndedExecution | None:
    """End the execution with its result; without one, or cancelled, as *cancelled*. None: it is no longer ours."""
    await _first_of(result, working)
    ending = result.result() if result.done() else CANCELLED
    if ending == CANCELLED:
        ending = cancelled
    return await _end(reporter, work, ending) if ending else None


async def _end(reporter: Reporter, work: Work, ending: ExecutionResult) -> EndedExecution | None:
    """End the execution and record its report, in one transaction. None: it is no longer ours.

    Waits for an unavailable ledger without limit: the result is known nowhere else.
    """
    execution, tries, shown = work.execution, count(), _shown(work, ending)

    def store(tx: Transaction) -> EndStored | None:
        ended = jobs.end(
            tx, execution.job_id, execution.number, ending.state, summary=ending.summary,
            exit_code=ending.exit_code, url=ending.url, credential=work.order.credential,
            conclusion=Conclusion.SKIPPED if ending.is_skipped else None, output=shown,
        )  # fmt: skip
        if next(tries) and ended is None:  # the connection may have been lost after the commit
            ended = jobs.ended_in(tx, execution.job_id, execution.number, ending.state)
        return ended

    def end() -> Awaitable[EndStored | None]:
        return reporter.ledger.write(store)

    stored = await retry_while_unavailable(end, longest=None, failed="the job's end could not be stored")
    return (
        EndedExecution(ending.state, ending.summary, stored.report, stored.siblings, ending.found) if stored else None
    )


def _shown(work: Work, ending: ExecutionResult) -> Output | None:
    """What its check run shows of the result. None: it reports as a status."""
    order, found = work.order, ending.found
    if order.surface is not SurfaceName.CHECK_RUN:
        return None
    return check_output(
        order.type, order.options, ending.summary,
        annotations=found.annotations, others=found.rest, all_found=found.ordered, log=order.url, output=ending.url,
    )  # fmt: skip
