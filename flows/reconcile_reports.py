"""Deliver what others left: on a schedule, and as often as anybody likes."""

from uuid import UUID

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from settings import Settings
from tasks.deliver_due import deliver_due
from tasks.reporter import open_reporter


@flow(name="reconcile-reports", persist_result=False)
async def reconcile_reports() -> None:
    """Deliver every report that is due; end the leases of senders that died. Overlapping passes do no harm."""
    settings, logger = Settings(), get_run_logger()
    async with open_reporter(settings, actor="reconciliation") as reporter:
        came_to = await deliver_due(
            reporter,
            UUID(flow_run.id),
            budget=settings.pass_budget,
            senders=settings.senders,
            on_trouble=logger.warning,
        )
    logger.info("delivered %d, undelivered %d", came_to.delivered, came_to.undelivered)
