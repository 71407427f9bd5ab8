"""The flow that runs a docs job for a commit and reports its outcome on that commit once."""

import asyncio
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import Abort, PrefectSignal
from prefect.runtime import flow_run
from prefect.states import Completed
from pydantic import ValidatorFunctionWrapHandler, WrapValidator

from domain.delivery.report import Phase, RecordedReport
from domain.delivery.repository_patterns import OPEN, is_open
from domain.delivery.target import Target
from domain.jobs.execution import CarriedOutElsewhere, Done, Execution, Order
from domain.jobs.target_request import TargetRequest
from domain.operations.job_history import retry_result
from domain.redact import of_error
from flows.job_types import JOB_TYPES, JobName, described
from flows.run_settings import flow_settings
from settings import Settings
from tasks.delivery.ledger_retry import A_MINUTE, open_when_available, retry_while_unavailable
from tasks.delivery.reporter import Reporter
from tasks.delivery.retry import phase_of, reopen_report
from tasks.jobs.accept import accept_job, order_of
from tasks.jobs.execution_spec import EndedExecution, Work, work_of
from tasks.operations.best_effort import best_effort
from tasks.operations.job_page import JobPage, job_page
from tasks.operations.label_run import labelled
from tasks.operations.note_tokens import note_tokens
from tasks.operations.overridden_reports import show_covered
from tasks.operations.publish_events import publishing
from tasks.operations.require_password import refuse_open_prefect
from tasks.process.users import job_users
from tasks.report_status import report_status
from tasks.run_job import run_job, state_of


def _none_or_checked(value: object, check: ValidatorFunctionWrapHandler) -> TargetRequest | None:
    """Accept None as well: Prefect validates the default like a given value."""
    return None if value is None else check(value)


@flow(name="docs-job", persist_result=False)
@described
async def docs_job(
    job: JobName,
    options: dict[str, Any] = {},  # noqa: B006  # never written to; "| None" would blur what the form says is wrong
    target: Annotated[TargetRequest, WrapValidator(_none_or_checked)] = None,  # type: ignore[assignment]  # the same
) -> State[Any]:
    """Run a docs job for a commit, and get its outcome onto that commit once.

    The flow run's state is the job's. A report that could not be delivered is a failed task in it; the reconciliation
    goes on with that one. Retried, a job that succeeded is not executed again: only its report is delivered.

    Args:
        job: What to run. {jobs}
        options: What the job type lets you choose, by name, as JSON. {options}
        target: The commit to run for and to report on. Without it the job runs in an empty folder and reports nothing.
    """
    settings, job_type = flow_settings(), JOB_TYPES[str(job)]
    async with labelled(job_type.name, _target_of(target, job_type.context_of(options))):
        if users := job_users(settings.job_user):  # refuses before the job is accepted
            await refuse_open_prefect()
        start = max(1, flow_run.run_count)
        order = order_of(UUID(flow_run.id), job_type, options, target, settings, page=flow_run.ui_url, start=start)
        async with publishing() as publish, open_when_available(settings, "job", publish, longest=A_MINUTE) as reporter:
            match await _accept(reporter, order):
                case Execution() as execution:
                    work = replace(work_of(execution, order, job_type, target, settings), users=users)
                    async with job_page(order, settings, reporter.ledger) as shown:
                        return await _run(work, settings, shown, reporter)
                case Done(report):
                    async with job_page(order, settings, reporter.ledger) as shown:
                        return await _report_again(report, settings, shown, reporter)
                case CarriedOutElsewhere(beat_at):
                    at = f"{beat_at:%H:%M:%S} UTC"
                    raise _abort(f"another process runs this flow run: its last heartbeat was at {at}")


def _target_of(wanted: TargetRequest | None, context: str) -> Target | None:
    return wanted.to_target(context) if wanted else None


def _abort(why: str) -> Abort:
    """The exception that leaves a flow run to another process without touching its state; logs *why*."""
    get_run_logger().warning("this process leaves: %s", why)
    return Abort(why)


async def _accept(reporter: Reporter, order: Order) -> Execution | Done | CarriedOutElsewhere:
    return await retry_while_unavailable(
        lambda: accept_job(reporter, order), longest=A_MINUTE, failed="the job could not be accepted"
    )


async def _run(work: Work, settings: Settings, shown: JobPage, reporter: Reporter) -> State[Any]:
    """Run the command while `pending` is sent, then report the outcome."""
    if not work.users:  # no warning: a property of the installation, not an event of this job
        get_run_logger().info("this job is trusted: it runs as the user of the flow (REPORTBACK_JOB_USER is not set)")
    if is_open(settings.allowed_repositories, settings.credentials):
        get_run_logger().info(OPEN)
    shown.refresh()
    pending = asyncio.create_task(_report(work.execution.report, reporter, once=True))
    noting = asyncio.create_task(
        best_effort(note_tokens(reporter.ledger, settings), "this worker's tokens are not noted")
    )
    state: State[Any] = await run_job(
        lambda: work, shown.on_line, shown.on_prepared, lambda: reporter, return_state=True
    )  # type: ignore[misc]  # Prefect types no await
    await pending
    try:
        return await _ended(state, shown, reporter)
    finally:
        await noting


async def _ended(state: State[Any], shown: JobPage, reporter: Reporter) -> State[Any]:
    """Report the outcome that *state*, of `run_job`, holds; returns the flow run's state."""
    ended: EndedExecution | BaseException | None = await state.aresult(raise_on_failure=False)
    if isinstance(ended, BaseException):
        raise ended
    if ended is None:
        raise _abort("this execution was ended or taken over by another process")
    shown.findings = ended.found.findings
    shown.refresh()
    await _report(ended.report, reporter)
    if ended.siblings.words:
        get_run_logger().warning("its outcome %s", ended.siblings.words)
        await best_effort(
            show_covered(UUID(flow_run.id), ended.siblings), "the page of the job beside it is not up to date"
        )
    return state_of(ended)  # a state of its own: of a task's, Prefect would only say "1/1 states failed"


async def _report(
    report: RecordedReport | None, reporter: Reporter, *, once: bool = False, job_ends_now: bool = True
) -> None:
    """Deliver the report, if there is one. A failure shows as a failed task; the report stays due in the ledger."""
    if report is None:
        return
    task = report_status.with_options(name="report_pending", retries=0) if once else report_status
    try:
        await task(report, lambda: reporter, job_ends_now=job_ends_now, return_state=True)  # type: ignore[misc]  # Prefect types no await
    except (Exception, PrefectSignal) as error:  # noqa: BLE001  # of Prefect's engine; the job's outcome does not depend on it
        get_run_logger().warning("report %d is left to the reconciliation: %s", report.id, of_error(error))


async def _report_again(
    report: RecordedReport | None, settings: Settings, shown: JobPage, reporter: Reporter
) -> State[Any]:
    """Deliver the report of a job that has already succeeded. The job is not executed again."""
    logger, before, after = get_run_logger(), None, None
    if report is not None:
        before = await phase_of(reporter, report.id)
        if before not in (Phase.DELIVERED, Phase.SUPERSEDED):
            await reopen_report(reporter.acting_as(f"retry of {flow_run.name}"), report.id, settings)
            await _report(report, reporter, job_ends_now=False)
        after = await phase_of(reporter, report.id)
    shown.note = retry_result(before, after)
    logger.info(shown.note)
    return Completed(message=shown.note)
