"""A person's retry of reports: one, some, or all of a reason."""

from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import AwareDatetime

from domain.names import name_of_retry
from domain.outcome import Reason
from settings import Settings
from tasks.reporter import open_reporter
from tasks.retry_report import Selection, retry_report, undelivered
from tasks.telling import telling


def _name() -> str:
    """What the flow run is called in Prefect's UI, once it runs."""
    asked = flow_run.parameters
    reports, reason, since = asked.get("reports") or [], asked.get("reason"), asked.get("since")
    return name_of_retry(reports, asked.get("job"), asked.get("repository"), reason, since)


@flow(name="retry-reports", flow_run_name=_name, persist_result=False)
async def retry_reports(
    reports: list[int] = [],  # noqa: B006  # never written to; "| None" would blur what the form says is wrong
    job: UUID | None = None,
    repository: str | None = None,
    reason: Reason | None = None,
    since: AwareDatetime | None = None,
) -> State[None]:
    """Reopen rejected reports whose cause is gone, and deliver them and what is merely due. Name at least one of these.

    Args:
        reports: Numbers of reports.
        job: The id of a docs-job flow run.
        repository: As owner/name.
        reason: Only reports that were rejected for it.
        since: Only reports recorded then or later.
    """
    selection = Selection(tuple(reports), job, repository, reason, since)
    if selection == Selection():
        return Failed(message="nothing was selected: name reports, job, repository, reason or since")
    settings, logger = Settings(), get_run_logger()
    left: list[int] = []
    async with telling() as tell, open_reporter(settings, flow_run.name, tell) as reporter:
        chosen = await undelivered(reporter, selection)
        for report_id in sorted(set(reports) - set(chosen)):
            logger.warning("report %d: delivered, superseded or unknown: left alone", report_id)
        for report_id in chosen:
            try:
                logger.info("report %d: %s", report_id, await retry_report(reporter, report_id, settings))
            except Exception as error:  # noqa: BLE001  # one report's trouble must not keep the others waiting
                logger.warning("report %d: %s", report_id, error)
                left.append(report_id)
    if left:
        return Failed(message=f"{len(left)} of {len(chosen)} are still undelivered: {left}")
    return Completed(message=f"{len(chosen)} delivered" if chosen else "nothing to deliver")
