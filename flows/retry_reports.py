"""The flow with which a person retries reports: one, some, or all with a rejection reason."""

from collections.abc import Sequence
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import AwareDatetime

from domain.delivery.budget import BULK_SIZE
from domain.delivery.outcome import Reason
from domain.jobs.run_names import name_of_retry
from flows.run_settings import flow_settings
from settings import Settings
from tasks.delivery.open_reporter import open_reporter
from tasks.delivery.reporter import Reporter
from tasks.delivery.retry import Selection, reopen_report, retry_report, undelivered
from tasks.operations.publish_events import publishing


def _run_name() -> str:
    """The flow run's name in Prefect's UI once it runs."""
    asked = flow_run.parameters
    reports, reason, since = asked.get("reports") or [], asked.get("reason"), asked.get("since")
    return name_of_retry(reports, asked.get("job"), asked.get("repository"), reason, since)


@flow(name="retry-reports", flow_run_name=_run_name, persist_result=False)
async def retry_reports(
    reports: list[int] = [],  # noqa: B006  # never written to; "| None" would blur what the form says is wrong
    job: UUID | None = None,
    repository: str | None = None,
    reason: Reason | None = None,
    since: AwareDatetime | None = None,
) -> State[None]:
    """Reopen rejected reports whose cause is gone, and deliver them and what is merely due. Name at least one of these.

    It delivers for as long as a reconciliation run does, and leaves the rest, reopened, to the reconciliation.
    More than ten at once count against the hourly write budget, so that outcomes of jobs that end now go first.

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
    settings, logger = flow_settings(), get_run_logger()
    async with publishing() as publish, open_reporter(settings, flow_run.name, publish) as reporter:
        chosen = await undelivered(reporter, selection)
        for report_id in sorted(set(reports) - set(chosen)):
            logger.warning("report %d: delivered, superseded or unknown: left alone", report_id)
        failed, put_off = await _retry_each(reporter, chosen, settings)
    later = f", {put_off} left to the reconciliation" if put_off else ""
    if failed:
        return Failed(message=f"{len(failed)} of {len(chosen)} are still undelivered: {failed}{later}")
    return Completed(message=f"{len(chosen) - put_off} delivered{later}" if chosen else "nothing to deliver")


async def _retry_each(reporter: Reporter, chosen: Sequence[int], settings: Settings) -> tuple[list[int], int]:
    """The reports that are still undelivered, and how many were only reopened because the time was up."""
    logger, failed, put_off, in_bulk = get_run_logger(), list[int](), 0, len(chosen) > BULK_SIZE
    until = await reporter.ledger.now() + settings.pass_budget
    for report_id in chosen:
        try:
            if await reporter.ledger.now() < until:
                logger.info(
                    "report %d: %s", report_id, await retry_report(reporter, report_id, settings, in_bulk=in_bulk)
                )
            else:
                await reopen_report(reporter, report_id, settings, in_bulk=in_bulk)
                logger.info("report %d: due, and left to the reconciliation", report_id)
                put_off += 1
        except Exception as error:  # noqa: BLE001  # one failing report must not hold up the others
            logger.warning("report %d: %s", report_id, error)
            failed.append(report_id)
    return failed, put_off
