"""Retries a report for a person: reopens it if GitHub rejected it, then delivers it at once, due or not."""

from domain.delivery.report import Phase
from github_api.credentials import NoCredential
from settings import Settings
from storage.delivery import availability, reports
from storage.delivery.reports import Selection
from tasks.delivery.open_reporter import credential_of
from tasks.delivery.reporter import Reporter
from tasks.report_status import Undelivered, deliver_report

__all__ = ["Selection", "phase_of", "reopen_report", "retry_report", "undelivered"]


async def undelivered(reporter: Reporter, selection: Selection) -> list[int]:
    """Ids of the selected reports that are current for their targets and not on GitHub: rejected or due."""
    return await reporter.ledger.read(reports.undelivered, selection)


async def retry_report(reporter: Reporter, report_id: int, settings: Settings, *, in_bulk: bool = False) -> Phase:
    """Try once more to deliver the report. Returns its phase: delivered, or superseded by one that was.

    *in_bulk*: with more than `domain.delivery.budget.BULK_SIZE` others.

    Raises:
        Undelivered: it is neither.
    """
    try:
        await reopen_report(reporter, report_id, settings, in_bulk=in_bulk)
    except NoCredential as error:
        raise Undelivered(str(error), may_help=False) from error
    return await deliver_report(reporter, await reporter.ledger.read(reports.of_id, report_id))


async def reopen_report(reporter: Reporter, report_id: int, settings: Settings, *, in_bulk: bool = False) -> bool:
    """Make a rejected report due again, with the credential that the settings name now.

    *in_bulk*: with more than `domain.delivery.budget.BULK_SIZE` others.

    False: it is not rejected, or a newer report is current for its target; nothing changed.

    Raises:
        NoCredential: the settings name none for its repository.
    """
    credential = credential_of(await reporter.ledger.read(reports.repository_of, report_id), settings)
    return await reporter.ledger.write(reports.reopen, report_id, credential=credential, in_bulk=in_bulk)


async def phase_of(reporter: Reporter, report_id: int) -> Phase:
    """The report's phase now."""
    return await reporter.ledger.read(availability.phase_of, report_id)
