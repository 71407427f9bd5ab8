"""Figures of a ledger, the fold of its events into totals, and reconciliation runs to count."""

from datetime import timedelta
from uuid import uuid4

from world import World

from domain.operations.metrics import Snapshot
from storage.delivery import reconciliation_runs
from storage.ledger import Ledger
from storage.operations import event_counts
from storage.operations.metrics import snapshot

HOUR = timedelta(hours=1)


async def figures(world: World) -> Snapshot:
    async with world.ledger.reading() as session:
        return await snapshot(session, now=world.clock.now)


async def fold(world: World, ledger: Ledger | None = None) -> bool:
    """Fold what is old enough; whether there is more."""
    async with (ledger or world.ledger).transaction() as session:
        return await event_counts.fold(session, dead_after=HOUR, now=world.clock.now)


async def passed(world: World, *, seconds: float | None) -> None:
    """A reconciliation run of that duration; None: it dies."""
    async with world.ledger.transaction() as session:
        number = await reconciliation_runs.begin(session, uuid4(), now=world.clock.now)
    if seconds is not None:
        world.clock.advance(seconds)
        async with world.ledger.transaction() as session:
            await reconciliation_runs.end(session, number, delivered=0, undelivered=0, now=world.clock.now)
