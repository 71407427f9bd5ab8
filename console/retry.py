"""The command `reportback reports retry`."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from console.arguments import EVERYTHING, DryRun, ReportFilter, Sure
from console.ledger import os_user
from console.list import print_reports
from console.progress import CommandProgress
from console.reporter import logging_to, open_reporter
from console.terminal import plain, refusal, results, say
from domain.delivery.budget import BULK_SIZE
from settings import Settings
from storage.operations.listing import Wanted
from tasks.delivery.reporter import Reporter
from tasks.delivery.retry import retry_report, undelivered

REFUSED = 2
LISTED = 100


async def retry(
    *ids: int,
    asked: ReportFilter = EVERYTHING,
    is_dry_run: DryRun = False,
    is_sure: Sure = False,
) -> int:
    """Reopen rejected reports whose cause is gone, and deliver them and what is merely due, now.

    All given options must match. The history of each report records the user of this shell, as information, not
    authentication. Exits with 1 if some are still undelivered, with 2 if nothing was tried.

    Args:
        ids: Numbers of reports.
        asked: Only the reports that match.
        is_dry_run: List what would be retried, and retry nothing.
        is_sure: Do not ask before retrying more than 10.
    """
    asked = replace(asked, report_ids=ids)
    if asked == EVERYTHING:
        return _refuse("nothing was selected: name reports, or --job, --repo, --reason, --state, --since or --until")
    if is_dry_run:
        await print_reports(asked, tuple(Wanted), limit=LISTED)
        return 0
    settings = Settings()
    async with open_reporter(settings, actor=os_user()) as reporter:
        chosen = await undelivered(reporter, asked.selection(await reporter.ledger.now()))
        for report_id in sorted(set(ids) - set(chosen)):
            say(f"report {report_id}: delivered, superseded or unknown: left alone")
        if why := await refusal(len(chosen), "reports", is_sure=is_sure):
            return _refuse(why)
        left = await _retry_each(reporter, chosen, settings)
    results().print(plain(_summary(len(chosen), left)))
    return 1 if left else 0


def _refuse(why: str) -> int:
    say(f"reportback: {why}")
    return REFUSED


async def _retry_each(reporter: Reporter, chosen: Sequence[int], settings: Settings) -> int:
    """Retry each; returns how many are still undelivered."""
    left = 0
    with CommandProgress("retrying", total=len(chosen)) as progress:
        logging_reporter = logging_to(reporter, progress.say)
        retried = partial(retry_report, logging_reporter, settings=settings, in_bulk=len(chosen) > BULK_SIZE)
        for report_id in chosen:
            try:
                progress.say(f"report {report_id}: {await retried(report_id)}")
            except Exception as error:  # noqa: BLE001  # one failing report must not hold up the others
                progress.say(f"report {report_id}: {error}")
                left += 1
            progress.step()
    return left


def _summary(count: int, left: int) -> str:
    if not count:
        return "Nothing to deliver."
    if not left:
        return f"{count} delivered or superseded."
    return f"{left} of {count} are still undelivered; the reconciliation goes on with what is due."
