"""Deliver what others left: on a schedule, and as often as anybody likes."""

from datetime import datetime, timedelta
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.deployment import flow_settings
from tasks.delivery.deliver import Reporter
from tasks.delivery.reporter import open_reporter
from tasks.operations.maintenance import maintain
from tasks.operations.notifications import publishing
from tasks.operations.overrides import Overrides
from tasks.operations.prefect_state import (
    best_effort,
    cancel_late_passes,
    crash_dead_passes,
    crash_dead_runs,
    crash_unaccepted_runs,
    delete_old_passes,
)
from tasks.operations.status_page import show_operators_page
from tasks.reconcile import has_succeeded_within, reconcile

PASSES_KEPT = timedelta(days=3)
"""How long Prefect shows a pass that is over: there are 1,440 a day."""


def _name() -> str:
    return f"pass of {flow_run.scheduled_start_time:%Y-%m-%d %H:%M:%S}"


@flow(name="reconcile-reports", flow_run_name=_name, persist_result=False)
async def reconcile_reports() -> State[None]:
    """Deliver every report that is due; end lost jobs and the leases of senders that died.

    Overlapping passes do no harm. One that begins late, because nobody took it up, is left out if another has done its
    work meanwhile.
    """
    settings, logger, run = flow_settings(), get_run_logger(), _this_run()
    async with (
        publishing() as publish,
        open_reporter(settings, "reconciliation", (on_top := Overrides(publish)).publish) as reporter,
    ):
        if await _is_superfluous(reporter, run, settings.interval):
            words = "late, skipped: another pass has succeeded meanwhile"
        else:
            result = await reconcile(
                reporter,
                run.id,
                budget=settings.pass_budget,
                senders=settings.senders,
                warn=logger.warning,
            )
            words = f"delivered {result.delivered}, undelivered {result.undelivered}"
            await maintain(reporter.ledger, settings, warn=logger.warning)
            shown = show_operators_page(reporter.ledger, settings)
            await best_effort(shown, warn=logger.warning, otherwise="the operator's page is not up to date")
            await best_effort(on_top.show(), warn=logger.warning, otherwise="a job's page is not up to date")
            await best_effort(crash_dead_runs(reporter), warn=logger.warning)
            unaccepted = crash_unaccepted_runs(reporter, settings.ledger_id, now=_began_at(run))
            await best_effort(unaccepted, warn=logger.warning)
    if run.deployment_id:  # last: with a pile of late passes Prefect's server is slow, and reports do not wait for it
        await best_effort(_tidy_up(run.deployment_id, _began_at(run), settings.interval), warn=logger.warning)
    logger.info("%s", words)
    return Completed(message=words)


def _this_run() -> FlowRun:
    context = FlowRunContext.get()
    assert context is not None and context.flow_run is not None
    return context.flow_run


async def _is_superfluous(reporter: Reporter, run: FlowRun, interval: timedelta) -> bool:
    """Whether this pass begins more than *interval* late, and another, begun since it was due, has done its work."""
    late = _began_at(run) - (run.expected_start_time or _began_at(run))
    return late > interval and await has_succeeded_within(reporter, late)


def _began_at(run: FlowRun) -> datetime:
    """By the clock of Prefect's server, like the time it was wanted at. No other one is compared with that."""
    assert run.state is not None  # it runs
    return run.state.timestamp


async def _tidy_up(deployment_id: UUID, began_at: datetime, interval: timedelta) -> None:
    """Passes that are late are left out, those whose process died are over, and those of days ago are deleted."""
    await cancel_late_passes(deployment_id, before=began_at - interval)
    await crash_dead_passes(deployment_id, before=began_at - 2 * interval)
    await delete_old_passes(deployment_id, before=began_at - PASSES_KEPT)
