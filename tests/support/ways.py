"""The ways in which a delivery can go, each with one sender and one or two attempts."""

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
