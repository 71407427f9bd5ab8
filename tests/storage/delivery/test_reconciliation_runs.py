"""When the last reconciliation run ended."""

from datetime import datetime
from uuid import uuid4

from world import World

from storage.delivery import reconciliation_runs


async def last(world: World) -> datetime | None:
    return await world.ledger.write(reconciliation_runs.last_success)


async def begun(world: World) -> int:
    return await world.ledger.write(reconciliation_runs.begin, uuid4())


async def test_a_run_that_never_ended_is_no_success(world: World) -> None:
    await begun(world)
    assert await last(world) is None


async def test_the_latest_run_that_ended_counts(world: World) -> None:
    for _ in range(2):
        pass_id = await begun(world)
        world.clock.advance(60)
        with world.ledger.transaction() as tx:
            reconciliation_runs.end(tx, pass_id, began=tx.now, delivered=0, undelivered=0)
    ended = world.clock.now
    world.clock.advance(60)
    await begun(world)
    assert await last(world) == ended
