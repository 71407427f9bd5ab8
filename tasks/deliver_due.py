"""One pass of the reconciliation: deliver what others left, until nothing is due or the time is up."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.report import Phase
from storage import backlog, passes
from storage.targets import Busy, Settled
from tasks.deliver import Reporter, deliver
from tasks.verify_targets import verify_targets

BATCH = 100
REST = timedelta(seconds=1)
"""After a batch of which nothing could be settled: others are at work on it."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass came to. `undelivered` is what is left, rejected reports not counted."""

    delivered: int
    undelivered: int


async def deliver_due(
    reporter: Reporter, run_id: UUID, *, budget: timedelta, senders: int, on_trouble: Callable[[str], None]
) -> Pass:
    """Look where a request may have been sent late, then deliver what is due, *senders* at once.

    Stays, within *budget*, for what comes due meanwhile.

    What one report comes to never ends the pass. No try begins after *budget*.
    """
    async with reporter.ledger.transaction() as session:
        began = await reporter.ledger.clock(session)
        pass_id = await passes.begin(session, run_id, now=began)
    until = began + budget
    await verify_targets(reporter)
    delivered = 0
    limit = asyncio.Semaphore(senders)
    while (batch := await _next_batch(reporter, until=until)) is not None:
        tried = await asyncio.gather(*(_try(reporter, target_id, limit, until, on_trouble) for target_id in batch))
        delivered += sum(map(_is_delivered, tried))
        if not any(isinstance(came_to, Settled) for came_to in tried):
            await asyncio.sleep(REST.total_seconds())
    async with reporter.ledger.transaction() as session:
        undelivered = await backlog.count_undelivered(session)
        now = await reporter.ledger.clock(session)
        await passes.end(session, pass_id, delivered=delivered, undelivered=undelivered, now=now)
    return Pass(delivered, undelivered)


async def _next_batch(reporter: Reporter, *, until: datetime) -> list[int] | None:
    """What is due, waiting for it if need be. None: nothing more comes due before *until*."""
    while True:
        async with reporter.ledger.transaction() as session:
            now = await reporter.ledger.clock(session)
            batch = await backlog.due(session, limit=BATCH, write_budget=reporter.policy.budget, now=now)
            again_at = await backlog.next_due(session, write_budget=reporter.policy.budget, now=now)
        if now >= until:
            return None
        if batch:
            return batch
        if again_at is None or again_at >= until:
            return None
        await asyncio.sleep((again_at - now).total_seconds())


async def _try(
    reporter: Reporter, target_id: int, limit: asyncio.Semaphore, until: datetime, on_trouble: Callable[[str], None]
) -> Settled | Busy | None:
    async with limit:
        try:
            if await reporter.ledger.now() >= until:  # those before it in the batch took all the time
                return None
            return await deliver(reporter, target_id, only_if_due=True)
        except Exception as error:  # noqa: BLE001  # one report's trouble must not keep the others waiting
            on_trouble(f"target {target_id} could not be tried: {error!r}")
            return None


def _is_delivered(came_to: Settled | Busy | None) -> bool:
    return isinstance(came_to, Settled) and came_to.phase is Phase.DELIVERED and came_to.outcome is not None
