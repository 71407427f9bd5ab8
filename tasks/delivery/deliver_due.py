"""One pass of the reconciliation: deliver what others left, until nothing is due or the time is up."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from domain.delivery.report import Phase
from domain.redact import of_error
from storage.delivery import due, future_times, overdue, reconciliations
from storage.delivery.availability import Settled
from tasks.delivery.deliver import Reporter
from tasks.delivery.eligible import offered
from tasks.delivery.senders import REST, Senders
from tasks.delivery.verify import to_verify, verify_target

OVERDUE = timedelta(minutes=15)
"""For how long a report is undelivered when that is told: the alert's 15 minutes."""

MOST_OVERDUE = 100
"""How many of them a pass tells of, the oldest: who hears of these looks at the rest."""


@dataclass(frozen=True, slots=True)
class ReconciliationRun:
    """What a pass came to. `undelivered` is what is left, rejected reports not counted."""

    delivered: int
    undelivered: int


async def deliver_due(
    reporter: Reporter, run_id: UUID, *, budget: timedelta, senders: int, warn: Callable[[str], None],
    others: asyncio.Future[Any] | None = None,
) -> ReconciliationRun:  # fmt: skip
    """Deliver what is due, *senders* at once, and look where a request may have been sent late.

    Stays, within *budget*, for what comes due meanwhile, and until *others* are done, who may record something; nothing
    begins after it, nor once the ledger's clock was set back to before the pass. What one report comes to never ends
    the pass. What *others* raise is raised when all is delivered, and leaves the pass without an end: it is no success.
    """
    async with reporter.ledger.transaction() as session:
        await reporter.ledger.follow(session)
        began = await reporter.ledger.clock(session)
        await future_times.cut(session, policy=reporter.policy, now=began)
        pass_id = await reconciliations.begin(session, run_id, now=began)
    delivered = await _deliver(_Round(reporter, began, began + budget, senders, warn), others)
    if others is not None:
        await others
    async with reporter.ledger.transaction() as session:
        await overdue.publish(session, began=began, after=OVERDUE, limit=MOST_OVERDUE)
        undelivered = await due.count_undelivered(session)
        now = max(began, await reporter.ledger.clock(session))
        await reconciliations.end(session, pass_id, delivered=delivered, undelivered=undelivered, now=now)
    return ReconciliationRun(delivered, undelivered)


@dataclass(frozen=True, slots=True)
class _Round:
    """What a pass works with: nothing begins at `until` or later, or before `since`."""

    reporter: Reporter
    since: datetime
    until: datetime
    senders: int
    warn: Callable[[str], None]

    def includes(self, now: datetime) -> bool:
        """Whether something may begin now."""
        return self.since <= now < self.until


async def _deliver(rounds: _Round, others: asyncio.Future[Any] | None) -> int:
    """Deliver and look until nothing more comes due in time; how many were delivered."""
    senders = Senders(rounds.reporter, rounds.senders, rounds.warn)
    looks: list[asyncio.Task[None]] = []
    try:
        while await _go_on(rounds, senders, looks, others):
            pass
        await senders.finish()
        await asyncio.gather(*looks)
    except Exception:
        await senders.finish()  # what is under way is not to be cut off by what went wrong beside it
        raise
    finally:
        for look in looks:
            look.cancel()
        await senders.stop()
    return sum(map(_is_delivered, senders.settled))


async def _go_on(
    rounds: _Round, senders: Senders, looks: list[asyncio.Task[None]], others: asyncio.Future[Any] | None
) -> bool:
    """Begin what may begin now, and wait until there may be more. False: the time is up, or nothing more comes."""
    now, offers, again_at = await offered(rounds.reporter)
    if not rounds.includes(now):
        return False
    senders.begin(offers, now=now)
    if not offers and not looks:
        looks.append(asyncio.create_task(_look(rounds)))
    under_way = [one for one in (*looks, others) if one is not None and not one.done()]
    ask_at = now + REST if offers or under_way or not senders.are_idle else rounds.until
    wake_at = min(ask_at, again_at or rounds.until, rounds.until)
    if under_way or not senders.are_idle:
        await senders.wait(under_way, most=wake_at - now)
    elif wake_at < rounds.until:
        await rounds.reporter.sleep((wake_at - now).total_seconds())
    return bool(under_way) or not senders.are_idle or wake_at < rounds.until


async def _look(rounds: _Round) -> None:
    """Look where a request may have been sent late, with a quarter of the senders."""
    limit = asyncio.Semaphore(max(1, rounds.senders // 4))

    async def look(target_id: int) -> None:
        async with limit:
            try:
                if rounds.includes(await rounds.reporter.ledger.now()):
                    await verify_target(rounds.reporter, target_id)
            except Exception as error:  # noqa: BLE001  # one report's trouble must not keep the others waiting
                rounds.warn(f"target {target_id} could not be looked at: {of_error(error)}")

    await asyncio.gather(*map(look, await to_verify(rounds.reporter)))


def _is_delivered(result: Settled) -> bool:
    return result.phase is Phase.DELIVERED and result.outcome is not None
