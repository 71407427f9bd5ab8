"""Checks that GitHub was told once, after time has passed and reconciliation has run."""

from promise import broken, told
from world import World

from tasks.delivery.verify import to_verify, verify_target

HOURS = 2 * 60 * 60


async def told_once(world: World) -> None:
    """Let time pass, reconcile, and look at GitHub: of every target the newest is on top, and nothing was said twice.

    Raises:
        AssertionError: it is not so, something is not settled, or there was something to repair.
    """
    await world.reconcile(passes=4, every=60)
    await look(world)
    wrong = [words for one in await told(world) for words in broken(one)]
    assert not wrong, wrong


async def look(world: World) -> int:
    """Look, hours later, whether something was sent late; how many targets were repaired."""
    world.clock.advance(HOURS)
    return sum([await verify_target(world.reporter, target_id) for target_id in await to_verify(world.reporter)])


async def counted_twice(world: World) -> None:
    """Assert that the outcome stands twice, that a look has counted it, and that nothing else is wrong.

    Raises:
        AssertionError: it is not so.
    """
    await world.reconcile()
    assert await look(world) == 0
    assert world.held() == ["success", "success"]
    assert [words for one in await told(world) for words in broken(one, overslept=True)] == []
    assert "doubled" in await world.events()
