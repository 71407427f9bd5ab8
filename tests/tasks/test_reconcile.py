"""A reconciliation run: deliveries beside the search for lost jobs."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from ledger_jobs import order, run_job
from world import World

from storage.delivery import reconciliation_runs
from tasks import reconcile as module
from tasks.delivery.reporter import Reporter
from tasks.reconcile import reconcile


async def test_a_run_that_cannot_search_for_lost_jobs_delivers_and_is_no_success(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: Reporter) -> list[UUID]:
        raise ValueError("unexpected")

    monkeypatch.setattr(module, "end_lost_jobs", fails)
    await run_job(world.ledger, order())
    with pytest.raises(ValueError, match="unexpected"):
        await reconcile(world.reporter, uuid4(), budget=timedelta(seconds=50), senders=1)
    assert world.held() == ["success"]
    with world.ledger.transaction() as tx:
        assert reconciliation_runs.last_success(tx) is None
