"""The ways in which a delivery can go, each with one sender and one or two attempts, and what GitHub then holds."""

from ledger_jobs import order, run_job
from world import World

from fake_github.faults import Kind
from tasks.delivery.reporter import Reporter

SETTLE_AFTER = 20
"""Seconds: the default of `Policy.settle_after`."""


async def straight(world: World, sender: Reporter, context: str) -> None:
    await world.deliver(context, by=sender)


async def reply_lost(world: World, sender: Reporter, context: str) -> None:
    world.fault(Kind.CLOSE, where="after", context=context)
    await world.deliver(context, by=sender)
    await world.deliver(context, by=sender)


async def request_lost(world: World, sender: Reporter, context: str) -> None:
    world.fault(Kind.CLOSE, context=context)
    await world.deliver(context, by=sender)
    world.clock.advance(SETTLE_AFTER)
    await world.deliver(context, by=sender)


async def stored_late(world: World, sender: Reporter, context: str) -> None:
    world.fault(Kind.CLOSE, stored_after=9, context=context)
    await world.deliver(context, by=sender)
    world.clock.advance(5)
    await world.deliver(context, by=sender)


async def in_doubt(world: World, *, stored: bool) -> None:
    """A job's outcome of which we do not know whether GitHub has it."""
    world.fault(Kind.CLOSE, where="after" if stored else "before")
    await run_job(world.ledger, order())
    await world.deliver()


def ours(world: World) -> list[str]:
    """The states that GitHub holds with a report's marker, oldest first."""
    return [one.state for one in world.github.store.held() if one.target_url and ":~:report=" in one.target_url]
