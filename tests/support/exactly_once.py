"""Checks the promise of exactly once, after reconciliation has run and hours have passed."""

from promise import histories, violations
from world import World

from tasks.delivery.verify import to_verify, verify_target

HOURS = 2 * 60 * 60


async def assert_exactly_once(world: World) -> None:
    """Reconcile, let time pass, and check that GitHub shows every target's newest report, and each report once.

    Raises:
        AssertionError: a violation, an unsettled target, or a repair that was needed.
    """
    await world.reconcile(passes=4, every=60)
    await verify_later(world)
    wrong = [words for one in await histories(world) for words in violations(one)]
    assert not wrong, wrong


async def verify_later(world: World) -> int:
    """Run the requested verifications two hours later; return the number of repaired targets."""
    world.clock.advance(HOURS)
    return sum([await verify_target(world.reporter, target_id) for target_id in await to_verify(world.reporter)])


async def assert_counted_duplicate(world: World) -> None:
    """Check that the outcome is doubled, that a verification has counted it, and that nothing else is wrong.

    Raises:
        AssertionError: otherwise.
    """
    await world.reconcile()
    assert await verify_later(world) == 0
    assert world.held() == ["success", "success"]
    assert [words for one in await histories(world) for words in violations(one, overslept=True)] == []
    assert "doubled" in await world.events()
