"""Leases in tests: takes one, or says why there is none, and settles it."""

from datetime import timedelta

from sqlmodel import update
from transactions import at
from world import World

from domain.delivery.outcome import Exchange, Outcome, Sent
from domain.delivery.policy import Policy
from domain.delivery.report import Phase
from domain.delivery.settlement import Tries, settle
from storage.delivery import leases, settling
from storage.delivery.availability import Busy, Settled
from storage.delivery.leases import Lease
from storage.models import StatusTarget

POLICY = Policy()
SECOND = timedelta(seconds=1)


async def stands(world: World, context: str = "docs/sphinx", *, only_if_due: bool = False) -> Lease | Settled | Busy:
    """The lease, or why there is none."""
    target_id = await world.target_id(context)
    return await world.ledger.write(leases.claim, target_id, only_if_due=only_if_due, policy=POLICY)


async def claim(world: World, context: str = "docs/sphinx", *, only_if_due: bool = False) -> Lease | None:
    claimed = await stands(world, context, only_if_due=only_if_due)
    return claimed if isinstance(claimed, Lease) else None


async def held(world: World, context: str = "docs/sphinx") -> Lease:
    lease = await claim(world, context)
    assert lease is not None
    return lease


async def settled(world: World, lease: Lease, outcome: Outcome, exchange: Exchange | None = None) -> Phase | None:
    """Settle *lease* with *outcome*; the report's phase, if the lease was still held."""
    now = world.clock.now
    sent = Sent(outcome, exchange or Exchange())
    with world.ledger.transaction() as tx:
        settlement = settle(outcome, Tries(now), POLICY, now=now, jitter=0)
        return settling.settle(at(tx, now=now), lease, settlement, sent)


async def change(world: World, **facts: object) -> None:
    """State facts of the only target."""
    with world.ledger.transaction() as tx:
        tx.session.exec(update(StatusTarget).values(**facts))
