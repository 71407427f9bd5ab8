"""The scheduled flow that delivers what is still due, ends lost jobs and does maintenance. Runs may overlap."""

from datetime import datetime, timedelta
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.run_settings import flow_settings
from tasks.delivery.open_reporter import open_reporter
from tasks.delivery.reporter import Reporter
from tasks.operations.best_effort import best_effort
from tasks.operations.note_tokens import note_tokens
from tasks.operations.overridden_reports import Overrides
from tasks.operations.periodic_maintenance import maintain
from tasks.operations.publish_events import publishing
from tasks.operations.status_page import show_status_page
from tasks.reconcile import has_succeeded_within, reconcile
from tasks.runs.clear_pending import crash_pending_reconciliations
from tasks.runs.correct_run_states import (
    cancel_late_reconciliations,
    crash_dead_reconciliations,
    crash_dead_runs,
    crash_unaccepted_runs,
    delete_old_reconciliations,
)
from tasks.runs.never_started import record_never_started

RUNS_KEPT_FOR = timedelta(days=3)
"""How long Prefect keeps ended reconciliation runs: there are 1,440 a day."""


def _run_name() -> str:
    return f"reconciliation of {flow_run.scheduled_start_time:%Y-%m-%d %H:%M:%S}"


@flow(name="reconcile-reports", flow_run_name=_run_name, persist_result=False)
async def reconcile_reports() -> State[None]:
    """Deliver every report that is due; end lost jobs and the leases of senders that died.

    What is undelivered, and why, is in Artifacts: [reportback-reports](/artifacts/key/reportback-reports).

    Overlapping runs do no harm. A run that no worker took up in time is skipped if another has succeeded meanwhile.
    """
    settings, logger, run = flow_settings(), get_run_logger(), _this_run()
    async with (
        publishing() as publish,
        open_reporter(settings, "reconciliation", (overrides := Overrides(publish)).publish) as reporter,
    ):
        if await _is_superfluous(reporter, run, settings.interval):
            words = "late, skipped: another reconciliation run has succeeded meanwhile"
        else:
            dead = best_effort(record_never_started(reporter, settings))
            result = await reconcile(
                reporter, run.id, budget=settings.pass_budget, senders=settings.senders, beside=dead
            )
            words = f"delivered {result.delivered}, undelivered {result.undelivered}"
            await best_effort(note_tokens(reporter.ledger, settings), "this worker's tokens are not noted")
            await maintain(reporter.ledger, settings)
            shown = show_status_page(reporter.ledger, settings)
            await best_effort(shown, "the status page is not up to date")
            await best_effort(overrides.show(), "a job's page is not up to date")
            await best_effort(crash_dead_runs(reporter))
            unaccepted = crash_unaccepted_runs(reporter, settings.ledger_id, now=_began_at(run))
            await best_effort(unaccepted)
    if run.deployment_id:  # last: many late runs make Prefect's server slow, and reports must not wait for it
        await best_effort(_tidy_up(run.deployment_id, _began_at(run), settings.interval))
    logger.info("%s", words)
    return Completed(message=words)


def _this_run() -> FlowRun:
    context = FlowRunContext.get()
    assert context is not None and context.flow_run is not None
    return context.flow_run


async def _is_superfluous(reporter: Reporter, run: FlowRun, interval: timedelta) -> bool:
    """Whether this run starts more than *interval* late, and another that started since it was due has succeeded."""
    late = _began_at(run) - (run.expected_start_time or _began_at(run))
    return late > interval and await has_succeeded_within(reporter, late)


def _began_at(run: FlowRun) -> datetime:
    """When the run started, by the clock of Prefect's server, and so comparable with its scheduled time only."""
    assert run.state is not None  # it runs
    return run.state.timestamp


async def _tidy_up(deployment_id: UUID, began_at: datetime, interval: timedelta) -> None:
    """Cancel late runs, set runs whose process died to Crashed, and delete runs of days ago."""
    await cancel_late_reconciliations(deployment_id, before=began_at - interval)
    await crash_dead_reconciliations(deployment_id, before=began_at - 2 * interval)
    await crash_pending_reconciliations(deployment_id, now=began_at)
    await delete_old_reconciliations(deployment_id, before=began_at - RUNS_KEPT_FOR)
