"""Runs the maintenance of a reconciliation run."""

from world import World

from settings import Settings
from tasks.operations.periodic_maintenance import maintain


async def run_maintenance(world: World) -> list[str]:
    """Run it; return the warnings."""
    said: list[str] = []
    await maintain(world.ledger, Settings(), warn=said.append)
    return said
