"""One pass of the reconciliation: deliver what others left, until nothing is due or the time is up."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from domain.report import Phase
from storage import backlog, overdue, passes
from storage.standing import Busy, Settled
from tasks.deliver import Reporter, deliver
from tasks.verify_targets import to_verify, verify_target

T = TypeVar("T")
BATCH = 100
REST = timedelta(seconds=1)
"""After a batch of which nothing could be settled: others are at work on it."""

OVERDUE = timedelta(minutes=15)
"""For how long a report is undelivered when that is told: the alert's 15 minutes."""

MOST_OVERDUE = 100
"""How many of them a pass tells of, the oldest: who hears of these looks at the rest."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass came to. `undelivered` is what is left, rejected reports not counted."""

    delivered: int
    undelivered: int


async def deliver_due(
    reporter: Reporter, run_id: UUID, *, budget: timedelta, senders: int, on_trouble: Callable[[str], None],
    others: asyncio.Future[Any] | None = None,
) -> Pass:  # fmt: skip
    """Deliver what is due, *senders* at once, then look where a request may have been sent late.

    Stays, within *budget*, for what comes due meanwhile, and until *others* are done, who may record something; nothing
    begins after it. What one report comes to never ends the pass. What *others* raise is raised when all is delivered,
    and leaves the pass without an end: it is no success.
    """
    async with reporter.ledger.transaction() as session:
        began = await reporter.ledger.clock(session)
        pass_id = await passes.begin(session, run_id, now=began)
    delivered = await _deliver(_Rounds(reporter, began + budget, asyncio.Semaphore(senders), on_trouble), others)
    if others is not None:
        await others
    async with reporter.ledger.transaction() as session:
        await overdue.tell(session, began=began, after=OVERDUE, limit=MOST_OVERDUE)
        undelivered = await backlog.count_undelivered(session)
        now = await reporter.ledger.clock(session)
        await passes.end(session, pass_id, delivered=delivered, undelivered=undelivered, now=now)
    return Pass(delivered, undelivered)


@dataclass(frozen=True, slots=True)
class _Rounds:
    """Many targets at once, `limit` at a time, nothing begun at `until` or later."""

    reporter: Reporter
    until: datetime
    limit: asyncio.Semaphore
    on_trouble: Callable[[str], None]

    async def each(self, target_ids: Iterable[int], work: Callable[[int], Awaitable[T]]) -> list[T | None]:
        """What *work* came to for each target. None: its time was over, or it raised, which is said."""
        return await asyncio.gather(*(self._try(target_id, work) for target_id in target_ids))

    async def _try(self, target_id: int, work: Callable[[int], Awaitable[T]]) -> T | None:
        async with self.limit:
            try:
                if await self.reporter.ledger.now() < self.until:
                    return await work(target_id)
            except Exception as error:  # noqa: BLE001  # one report's trouble must not keep the others waiting
                self.on_trouble(f"target {target_id} could not be tried: {error!r}")
        return None


async def _deliver(rounds: _Rounds, others: asyncio.Future[Any] | None) -> int:
    """Deliver and look until nothing more comes due in time; how many were delivered."""
    reporter, delivered, looked = rounds.reporter, 0, False
    while True:
        now, batch, again_at = await _due(reporter)
        if now >= rounds.until:
            return delivered
        if batch:
            tried = await rounds.each(batch, partial(deliver, reporter, only_if_due=True))
            delivered += sum(map(_is_delivered, tried))
            if not any(isinstance(came_to, Settled) for came_to in tried):
                await reporter.sleep(REST.total_seconds())
        elif not looked:
            looked = True
            await rounds.each(await to_verify(reporter), partial(verify_target, reporter))
        elif others is not None and not others.done():
            await asyncio.wait({others}, timeout=(min(again_at or rounds.until, rounds.until) - now).total_seconds())
        elif again_at is not None and again_at < rounds.until:
            await reporter.sleep((again_at - now).total_seconds())
        else:
            return delivered


async def _due(reporter: Reporter) -> tuple[datetime, list[int], datetime | None]:
    """The time, what is due, and when to ask again if nothing is."""
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        batch = await backlog.due(session, limit=BATCH, write_budget=reporter.policy.budget, now=now)
        if batch:
            return now, batch, None
        return now, [], await backlog.next_due(session, write_budget=reporter.policy.budget, now=now)


def _is_delivered(came_to: Settled | Busy | None) -> bool:
    return isinstance(came_to, Settled) and came_to.phase is Phase.DELIVERED and came_to.outcome is not None
