"""Runs the maintenance of a reconciliation run."""

from world import World

from settings import Settings
from tasks.operations.maintenance import maintain


async def kept_up(world: World) -> list[str]:
    """What an operator reads of it."""
    said: list[str] = []
    await maintain(world.ledger, Settings(), warn=said.append)
    return said
