"""Delivers what is due in a reconciliation run, until nothing is due or the time is up."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.delivery.report import Phase
from domain.redact import of_error
from storage.delivery import due, future_times, overdue, reconciliation_runs
from storage.delivery.availability import Settled
from storage.transaction import Transaction
from tasks.delivery.eligible import offered
from tasks.delivery.reporter import Reporter
from tasks.delivery.senders import COOLDOWN, Senders
from tasks.delivery.verify import to_verify, verify_target

logger = logging.getLogger("reportback.delivery")

OVERDUE = timedelta(minutes=15)
"""How long a report is undelivered before an event says so: the alert's 15 minutes."""

MOST_OVERDUE = 100
"""The most of them that a run publishes, the oldest: they lead an operator to the rest."""


@dataclass(frozen=True, slots=True)
class ReconciliationRun:
    """The result of a reconciliation run. `undelivered` counts what is left, without rejected reports."""

    delivered: int
    undelivered: int


async def deliver_due(
    reporter: Reporter, run_id: UUID, *, budget: timedelta, senders: int, others: asyncio.Future[Any] | None = None
) -> ReconciliationRun:
    """Deliver what is due, *senders* at once, and verify targets whose request may have been sent late.

    Stays, within *budget*, for what comes due meanwhile and until *others*, which may record reports, are done. Starts
    nothing after that, or once the ledger's clock is set back to before the run. One failing report never ends the run.
    An error of *others* is raised when all is delivered, and leaves the run without an end: it has not succeeded.
    """
    pass_id, began = await reporter.ledger.write(_begin, reporter, run_id)
    delivered = await _deliver(_RunContext(reporter, began, began + budget, senders), others)
    if others is not None:
        await others
    return ReconciliationRun(delivered, await reporter.ledger.write(_end, pass_id, began, delivered))


def _begin(tx: Transaction, reporter: Reporter, run_id: UUID) -> tuple[int, datetime]:
    """Record the beginning of the run: its id, and when."""
    reporter.ledger.follow(tx)
    future_times.cut(tx, policy=reporter.policy)
    return reconciliation_runs.begin(tx, run_id), tx.now


def _end(tx: Transaction, pass_id: int, began: datetime, delivered: int) -> int:
    """Record the end of the run. Returns how many reports are undelivered."""
    overdue.publish(tx, began=began, after=OVERDUE, limit=MOST_OVERDUE)
    undelivered = due.count_undelivered(tx)
    reconciliation_runs.end(tx, pass_id, began=began, delivered=delivered, undelivered=undelivered)
    return undelivered


@dataclass(frozen=True, slots=True)
class _RunContext:
    """The context of a run: nothing starts at `until` or later, or before `since`."""

    reporter: Reporter
    since: datetime
    until: datetime
    senders: int

    def includes(self, now: datetime) -> bool:
        """Whether something may start now."""
        return self.since <= now < self.until


async def _deliver(run: _RunContext, others: asyncio.Future[Any] | None) -> int:
    """Deliver and verify until nothing more comes due in time. Returns how many were delivered."""
    senders = Senders(run.reporter, run.senders)
    verifications: list[asyncio.Task[None]] = []
    try:
        while await _step(run, senders, verifications, others):
            pass
        await senders.finish()
        await asyncio.gather(*verifications)
    except Exception:
        await senders.finish()  # deliveries in progress must not be cut off by an error elsewhere
        raise
    finally:
        for verification in verifications:
            verification.cancel()
        await senders.stop()
    return sum(map(_is_delivered, senders.settled))


async def _step(
    run: _RunContext, senders: Senders, verifications: list[asyncio.Task[None]], others: asyncio.Future[Any] | None
) -> bool:
    """Start what may start now, and wait until there may be more. False: the time is up, or nothing more comes."""
    now, offers, again_at = await offered(run.reporter)
    if not run.includes(now):
        return False
    senders.begin(offers, now=now)
    if not offers and not verifications:
        verifications.append(asyncio.create_task(_verify_due(run)))
    under_way = [one for one in (*verifications, others) if one is not None and not one.done()]
    ask_at = now + COOLDOWN if offers or under_way or not senders.are_idle else run.until
    wake_at = min(ask_at, again_at or run.until, run.until)
    if under_way or not senders.are_idle:
        await senders.wait(under_way, most=wake_at - now)
    elif wake_at < run.until:
        await run.reporter.sleep((wake_at - now).total_seconds())
    return bool(under_way) or not senders.are_idle or wake_at < run.until


async def _verify_due(run: _RunContext) -> None:
    """Verify the targets whose request may have been sent late, with a quarter of the senders."""
    limit = asyncio.Semaphore(max(1, run.senders // 4))

    async def verify(target_id: int) -> None:
        async with limit:
            try:
                if run.includes(await run.reporter.ledger.now()):
                    await verify_target(run.reporter, target_id)
            except Exception as error:  # noqa: BLE001  # one failing target must not hold up the others
                logger.warning("target %d could not be verified: %s", target_id, of_error(error))

    await asyncio.gather(*map(verify, await to_verify(run.reporter)))


def _is_delivered(result: Settled) -> bool:
    return result.phase is Phase.DELIVERED and result.outcome is not None
