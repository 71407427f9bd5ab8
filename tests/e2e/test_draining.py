"""`reportback drain` on the shared server. Run alone: the tests pause its work pools."""

import asyncio
import re
from datetime import timedelta
from uuid import UUID

import pytest
from e2e_run import WITHOUT_WORKER
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State
from prefect.states import Completed, Pending, Running, Scheduled

from local import drain as draining
from local.deploy import DEPLOYMENTS
from local.drain import NoPool, drain, resume
from local.prefect_server import prefect_server
from local.work_pools import JOBS

pytestmark = pytest.mark.asyncio(loop_scope="session")

MOMENT = timedelta(seconds=0.1)


async def run_in(client: PrefectClient, state: State[None]) -> UUID:
    """A flow run of docs-job in *state*, as if a worker had brought it there."""
    deployment = await client.read_deployment_by_name(DEPLOYMENTS[0])
    made = await client.create_flow_run_from_deployment(deployment.id, **WITHOUT_WORKER, name="under-way")
    await client.set_flow_run_state(made.id, state, force=True)
    return made.id


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("state", [Pending(), Running()], ids=["taken on", "running"])
async def test_a_drain_waits_until_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: State[None]
) -> None:
    monkeypatch.setattr(draining, "POLL_EVERY", MOMENT)
    async with prefect_server() as client:
        run_id = await run_in(client, state)
        assert await drain(JOBS, timeout=timedelta(seconds=1)) == 1
        waiting = asyncio.create_task(drain(JOBS, timeout=timedelta(seconds=60)))
        await asyncio.wait({waiting}, timeout=1)
        assert not waiting.done()
        await client.set_flow_run_state(run_id, Completed(), force=True)
        assert await waiting == 0
        assert (await client.read_work_pool(JOBS)).is_paused
        await resume(JOBS)
        pool = await client.read_work_pool(JOBS)
        assert (pool.is_paused, pool.concurrency_limit) == (False, 5)
    assert re.search(rf"still running: .*under-way \({state.name}\)", capsys.readouterr().out)


@pytest.mark.usefixtures("deployed")
async def test_scheduled_runs_do_not_hold_up_a_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker takes it on while the pool is paused."""
    monkeypatch.setattr(draining, "POLL_EVERY", MOMENT)
    async with prefect_server() as client:
        scheduled = await run_in(client, Scheduled())
        assert await drain(JOBS, timeout=timedelta(seconds=60)) == 0
        await resume(JOBS)
        await client.delete_flow_run(scheduled)


@pytest.mark.usefixtures("server")
async def test_a_pool_that_is_not_there_is_named() -> None:
    with pytest.raises(NoPool, match="no work pool nowhere: run `make deploy` first"):
        await drain("nowhere", timeout=MOMENT)
