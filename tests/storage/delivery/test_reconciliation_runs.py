"""When the last reconciliation run ended."""

from datetime import datetime
from uuid import uuid4

from world import World

from storage.delivery import reconciliation_runs


async def last(world: World) -> datetime | None:
    async with world.ledger.transaction() as session:
        return await reconciliation_runs.last_success(session)


async def begun(world: World) -> int:
    async with world.ledger.transaction() as session:
        return await reconciliation_runs.begin(session, uuid4(), now=world.clock.now)


async def test_a_run_that_never_ended_is_no_success(world: World) -> None:
    await begun(world)
    assert await last(world) is None


async def test_the_latest_run_that_ended_counts(world: World) -> None:
    for _ in range(2):
        pass_id = await begun(world)
        world.clock.advance(60)
        async with world.ledger.transaction() as session:
            await reconciliation_runs.end(session, pass_id, delivered=0, undelivered=0, now=world.clock.now)
    ended = world.clock.now
    world.clock.advance(60)
    await begun(world)
    assert await last(world) == ended
