"""Run a docs job for a commit, and get its outcome onto that commit once."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import ValidatorFunctionWrapHandler, WrapValidator

from domain.target_request import TargetRequest
from flows.job_types import JOB_TYPES, JobName
from settings import Settings
from tasks.accept_job import Beating, Done, Execution, Order, accept_job, order_of
from tasks.carry_out import Ended, Work
from tasks.non_dumpable import make_non_dumpable
from tasks.report_status import report_status
from tasks.reporter import open_reporter
from tasks.retry_report import reopen_report
from tasks.run_job import run_job, state_of


def _or_nowhere(value: object, check: ValidatorFunctionWrapHandler) -> TargetRequest | None:
    """Prefect fills in a default, and then checks it like a given value."""
    return None if value is None else check(value)


@flow(name="docs-job", persist_result=False)
async def docs_job(
    job: JobName,
    options: dict[str, Any] = {},  # noqa: B006  # never written to; "| None" would blur what the form says is wrong
    target: Annotated[TargetRequest, WrapValidator(_or_nowhere)] = None,  # type: ignore[assignment]  # the same
) -> State[Any]:
    """Run a docs job for a commit, and get its outcome onto that commit once.

    The flow run's state is the job's. A report that could not be delivered is a failed task in it; the reconciliation
    goes on with that one. Retried, a job that succeeded is not executed again: only its report is delivered.

    Args:
        job: What to run.
        options: What the job type lets you choose, by name.
        target: The commit to run for and to report on. Without it the job runs in an empty folder and reports nothing.
    """
    make_non_dumpable()
    settings = Settings()
    job_type = JOB_TYPES[str(job)]
    order = order_of(UUID(flow_run.id), job_type, options, target, settings, page=flow_run.ui_url)
    match await _accepted(order, settings):
        case Execution() as execution:
            clone_url = settings.clone_url.format(repository=order.target.repository) if order.target else None
            return await _carried_out(Work(execution, order, job_type, clone_url))
        case Done(report_id):
            return await _reported_again(report_id, settings)
        case Beating(beat_at):
            raise Abort(f"another process carries out this flow run: it gave a sign of life at {beat_at:%H:%M:%S} UTC")


async def _accepted(order: Order, settings: Settings) -> Execution | Done | Beating:
    async with open_reporter(settings, actor="job") as reporter:
        return await accept_job(reporter, order)


async def _carried_out(work: Work) -> State[Any]:
    """Run the command while `pending` goes out, then report what came of it."""
    pending = asyncio.create_task(_reported(work.execution.report_id, once=True))
    state: State[Any] = await run_job(lambda: work, return_state=True)  # type: ignore[misc]  # Prefect types no await
    await pending
    ended: Ended | BaseException | None = await state.aresult(raise_on_failure=False)
    if isinstance(ended, BaseException):
        raise ended
    if ended is None:
        raise Abort("this execution was ended or taken over by somebody else")
    await _reported(ended.report_id)
    return state_of(ended)  # a state of its own: of a task's, Prefect would only say "1/1 states failed"


async def _reported(report_id: int | None, *, once: bool = False) -> None:
    """Report, if there is anything to report. What fails shows as a failed task, and stays due in the ledger."""
    if report_id is None:
        return
    task = report_status.with_options(name="report_pending", retries=0) if once else report_status
    await task(report_id, return_state=True)  # type: ignore[misc]  # Prefect types no await


async def _reported_again(report_id: int | None, settings: Settings) -> State[Any]:
    get_run_logger().info("the job has succeeded before and is not executed again")
    if report_id is not None:
        async with open_reporter(settings, actor=f"retry of {flow_run.name}") as reporter:
            await reopen_report(reporter, report_id, settings)
        await _reported(report_id)
    return Completed(message="succeeded before; only its report was looked after")
