"""The command `reportback reconcile`: a reconciliation run for when Prefect's scheduler is down."""

import asyncio
from uuid import uuid4

from console.arguments import EVERYTHING
from console.ledger import os_user
from console.list import print_reports
from console.progress import CommandProgress
from console.reporter import logging_to, open_reporter
from console.terminal import plain, results
from settings import Settings
from storage.operations.listing import Wanted
from tasks.delivery.deliver_due import ReconciliationRun
from tasks.delivery.reporter import Reporter
from tasks.operations.periodic_maintenance import maintain
from tasks.reconcile import reconcile

POLL_EVERY = 0.5
LISTED = 20


async def reconcile_now() -> int:
    """Run the reconciliation once, now, without Prefect: for when its scheduler is down.

    Delivers what is due and ends lost jobs. A report whose token is in a Secret block of Prefect waits for Prefect.
    Exits with 1 if something is still undelivered.
    """
    settings = Settings()
    with CommandProgress("delivering what is due") as progress:
        result = await _pass(settings, progress)
    results().print(plain(f"Delivered {result.delivered}, undelivered {result.undelivered}."))
    if not result.undelivered:
        return 0
    return int(bool(await print_reports(EVERYTHING, (Wanted.UNDELIVERED,), limit=LISTED)))


async def _pass(settings: Settings, progress: CommandProgress) -> ReconciliationRun:
    async with open_reporter(settings, actor=f"reconciliation by {os_user()}") as reporter:
        work = asyncio.create_task(_work(reporter, settings, progress))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=POLL_EVERY)
                progress.step(0)
        finally:
            work.cancel()
            await asyncio.wait({work})
        return work.result()


async def _work(reporter: Reporter, settings: Settings, progress: CommandProgress) -> ReconciliationRun:
    result = await reconcile(
        logging_to(reporter, progress.say), uuid4(), budget=settings.pass_budget, senders=settings.senders
    )
    await maintain(reporter.ledger, settings)
    return result
