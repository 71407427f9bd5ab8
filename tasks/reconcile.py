"""A reconciliation run: ends lost jobs and delivers what is due, their reports included."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from uuid import UUID

from storage.delivery import reconciliation_runs
from tasks.delivery.deliver_due import ReconciliationRun, deliver_due
from tasks.delivery.reporter import Reporter
from tasks.jobs.lost import end_lost_jobs


async def reconcile(
    reporter: Reporter, run_id: UUID, *, budget: timedelta, senders: int, beside: Awaitable[None] | None = None
) -> ReconciliationRun:
    """Run the reconciliation once. Needs the ledger and GitHub, not Prefect.

    *beside* may record reports, too, and is waited for within *budget*.
    """
    recording = [asyncio.ensure_future(one) for one in (end_lost_jobs(reporter), beside) if one is not None]
    try:
        others = asyncio.gather(*recording)
        return await deliver_due(reporter, run_id, budget=budget, senders=senders, others=others)
    finally:
        for one in recording:
            one.cancel()
        await asyncio.wait(recording)


async def has_succeeded_within(reporter: Reporter, span: timedelta) -> bool:
    """Whether a reconciliation run that started within *span* has succeeded."""
    return await reporter.ledger.read(lambda tx: reconciliation_runs.has_succeeded_since(tx, tx.now - span))
