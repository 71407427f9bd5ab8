"""What a pass does besides delivering, for tests."""

from world import World

from settings import Settings
from tasks.operations.maintenance import keep_up


async def kept_up(world: World) -> list[str]:
    """What an operator reads of it."""
    said: list[str] = []
    await keep_up(world.ledger, Settings(), on_trouble=said.append)
    return said
