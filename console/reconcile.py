"""`reportback reconcile`: for a day when Prefect's scheduler is dead."""

import asyncio
from uuid import uuid4

from console.asked import Asked
from console.list import list_reports
from console.person import os_user
from console.progress import Going
from console.reporter import heard_by, open_reporter
from console.terminal import plain, results
from settings import Settings
from storage.operations.listing import Wanted
from tasks.delivery.deliver import Reporter
from tasks.delivery.deliver_due import ReconciliationRun
from tasks.operations.maintenance import maintain
from tasks.reconcile import reconcile

POLL_EVERY = 0.5
LISTED = 20


async def reconcile_now() -> int:
    """One pass, without Prefect. 1: something is still undelivered, and is listed."""
    settings = Settings()
    with Going("delivering what is due") as going:
        result = await _pass(settings, going)
    results().print(plain(f"Delivered {result.delivered}, undelivered {result.undelivered}."))
    if not result.undelivered:
        return 0
    return await list_reports(Asked(), (Wanted.UNDELIVERED,), limit=LISTED, as_json=False, fails_if_any=True)


async def _pass(settings: Settings, going: Going) -> ReconciliationRun:
    async with open_reporter(settings, actor=f"reconciliation by {os_user()}") as reporter:
        work = asyncio.create_task(_work(reporter, settings, going))
        try:
            while not work.done():
                await asyncio.wait({work}, timeout=POLL_EVERY)
                going.step(0)
        finally:
            work.cancel()
            await asyncio.wait({work})
        return work.result()


async def _work(reporter: Reporter, settings: Settings, going: Going) -> ReconciliationRun:
    result = await reconcile(
        heard_by(reporter, going.say), uuid4(),
        budget=settings.pass_budget, senders=settings.senders, warn=going.say,
    )  # fmt: skip
    await maintain(reporter.ledger, settings, warn=going.say)
    return result
