"""A credential's write budget is shared by all its reports and senders."""

from datetime import timedelta

import pytest
from full import FULL
from ledger_jobs import accept, order, run_job
from racing import RACES, Race
from sqlmodel import col, select, update
from world import Clock, World, due_ids, world_on

from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from storage.ledger import Ledger, open_ledger
from storage.models import StatusReport, StatusTarget
from tasks.delivery.deliver import deliver


async def test_the_rest_of_the_budget_goes_to_outcomes(ledger: Ledger, clock: Clock) -> None:
    policy = Policy(budget=WriteBudget(per_minute=3, per_hour=500, spacing=timedelta(0)))
    async with world_on(ledger, clock, policy=policy) as world:
        for number in range(4):
            await accept(ledger, order(f"docs/pending-{number}"))
        clock.advance(1)
        for number in range(4):
            await run_job(ledger, order(f"docs/ended-{number}"))
        await deliver_what_is_due(world)
        assert [status.state for status in world.github.store.held()] == ["success"] * 3
        clock.advance(60)
        await deliver_what_is_due(world)
        assert [status.state for status in world.github.store.held()][3:] == ["success", "pending", "pending"]


async def deliver_what_is_due(world: World) -> None:
    ids = await world.ledger.write(due_ids, limit=100, write_budget=world.policy.budget)
    for target_id in ids:
        await deliver(world.reporter, target_id, only_if_due=True)


@RACES
@pytest.mark.parametrize("some", [0, 1, 2] if FULL else [1])
async def test_forty_requests_at_once_keep_within_a_budget_of_ten(ledger_url: str, race: Race, some: int) -> None:
    """Five contenders, each with eight connections. None, every second or each of them was in doubt.

    That spends only once it is not found.
    """
    async with open_ledger(ledger_url) as ledger:
        for number in range(40):
            await run_job(ledger, order(f"docs/{number}"))
        with ledger.transaction() as tx:
            ids = [str(target_id) for target_id in tx.session.exec(select(StatusTarget.id))]
            tx.session.exec(update(StatusReport).where(col(StatusReport.id) % 2 < some).values(read_back=True))
    results = await race("spends", ledger_url, *ids, count=5)
    assert sum(map(int, results)) == 10
