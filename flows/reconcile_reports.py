"""Deliver what others left: on a schedule, and as often as anybody likes."""

from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Completed

from settings import Settings
from tasks.deliver import Reporter
from tasks.prefect_runs import cancel_late_passes, courtesy, crash_dead_passes, crash_dead_runs
from tasks.reconcile import has_succeeded_since, reconcile
from tasks.reporter import open_reporter


def _name() -> str:
    return f"pass of {flow_run.scheduled_start_time:%Y-%m-%d %H:%M:%S}"


@flow(name="reconcile-reports", flow_run_name=_name, persist_result=False)
async def reconcile_reports() -> State[None]:
    """Deliver every report that is due; end lost jobs and the leases of senders that died.

    Overlapping passes do no harm. One that begins late, because nobody took it up, is left out if another has done its
    work meanwhile.
    """
    settings, logger, run = Settings(), get_run_logger(), _this_run()
    async with open_reporter(settings, actor="reconciliation") as reporter:
        if await _is_superfluous(reporter, run, settings.interval):
            return Completed(message="late, skipped: another pass has succeeded meanwhile")
        came_to = await reconcile(
            reporter,
            run.id,
            budget=settings.pass_budget,
            senders=settings.senders,
            on_trouble=logger.warning,
        )
        await _tell_prefect(reporter, run, settings.interval)
    words = f"delivered {came_to.delivered}, undelivered {came_to.undelivered}"
    logger.info("%s", words)
    return Completed(message=words)


def _this_run() -> FlowRun:
    context = FlowRunContext.get()
    assert context is not None and context.flow_run is not None
    return context.flow_run


async def _is_superfluous(reporter: Reporter, run: FlowRun, interval: timedelta) -> bool:
    """Whether this pass begins more than *interval* late, and others are at it. Whatever is late is cancelled then."""
    wanted_at, latest = run.expected_start_time, datetime.now(UTC) - interval
    if wanted_at is None or wanted_at >= latest:
        return False
    if run.deployment_id:
        await courtesy(cancel_late_passes(run.deployment_id, before=latest), on_trouble=get_run_logger().warning)
    return await has_succeeded_since(reporter, wanted_at)


async def _tell_prefect(reporter: Reporter, run: FlowRun, interval: timedelta) -> None:
    warn = get_run_logger().warning
    await courtesy(crash_dead_runs(reporter), on_trouble=warn)
    if run.deployment_id:
        long_ago = datetime.now(UTC) - 2 * interval
        await courtesy(crash_dead_passes(run.deployment_id, before=long_ago), on_trouble=warn)
