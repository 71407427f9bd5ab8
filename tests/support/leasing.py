"""Leases in tests: takes one, or says why there is none, and settles it."""

from datetime import timedelta

from sqlmodel import update
from world import ACTOR, World

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
    async with world.ledger.transaction() as session:
        return await leases.claim(
            session, target_id, only_if_due=only_if_due, policy=POLICY, actor=ACTOR, now=world.clock.now
        )


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
    async with world.ledger.transaction() as session:
        settlement = settle(outcome, Tries(now), POLICY, now=now, jitter=0)
        return await settling.settle(session, lease, settlement, sent, actor=ACTOR, now=now)


async def change(world: World, **facts: object) -> None:
    """State facts of the only target."""
    async with world.ledger.transaction() as session:
        await session.exec(update(StatusTarget).values(**facts))
