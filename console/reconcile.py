"""The command `reportback reconcile`: a reconciliation run for when Prefect's scheduler is down."""

from uuid import uuid4

from console.arguments import EVERYTHING
from console.ledger import os_user
from console.list import print_reports
from console.progress import CommandProgress
from console.reporter import logging_to, open_reporter
from console.terminal import plain, results
from settings import Settings
from storage.operations.listing import Wanted
from tasks.operations.periodic_maintenance import maintain
from tasks.reconcile import reconcile

LISTED = 20


async def reconcile_now() -> int:
    """Run the reconciliation once, now, without Prefect: for when its scheduler is down.

    Delivers what is due and ends lost jobs. A report whose token is in a Secret block of Prefect waits for Prefect.
    Exits with 1 if something is still undelivered.
    """
    settings = Settings()
    with CommandProgress("delivering what is due") as progress:
        async with open_reporter(settings, actor=f"reconciliation by {os_user()}") as reporter:
            logging_reporter = logging_to(reporter, progress.say)
            result = await reconcile(logging_reporter, uuid4(), budget=settings.pass_budget, senders=settings.senders)
            await maintain(reporter.ledger, settings)
    results().print(plain(f"Delivered {result.delivered}, undelivered {result.undelivered}."))
    if not result.undelivered:
        return 0
    return int(bool(await print_reports(EVERYTHING, (Wanted.UNDELIVERED,), limit=LISTED)))
