"""Runs the maintenance of a reconciliation run."""

from log_lines import lines_to
from world import World

from settings import Settings
from tasks.operations.periodic_maintenance import maintain


async def run_maintenance(world: World) -> list[str]:
    """Run it; return the lines logged."""
    lines: list[str] = []
    with lines_to(lines.append):
        await maintain(world.ledger, Settings())
    return lines
