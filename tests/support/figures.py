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
    return await world.ledger.read(snapshot)


async def fold(world: World, ledger: Ledger | None = None) -> bool:
    """Fold what is old enough; whether there is more."""
    return await (ledger or world.ledger).write(event_counts.fold, dead_after=HOUR)


async def passed(world: World, *, seconds: float | None) -> None:
    """A reconciliation run of that duration; None: it dies."""
    number = await world.ledger.write(reconciliation_runs.begin, uuid4())
    if seconds is not None:
        world.clock.advance(seconds)
        with world.ledger.transaction() as tx:
            reconciliation_runs.end(tx, number, began=tx.now, delivered=0, undelivered=0)
