"""`make deploy` on the shared server. Run alone: the tests change what is deployed there."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from e2e_rig import Rig
from e2e_run import STARTS, WITHOUT_WORKER
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import PrefectHTTPStatusError
from prefect.workers.process import ProcessWorker

from domain.operations.ledger_tag import ledger_named_by
from domain.operations.status_page import KEY
from local import deploy as module
from local import drain as draining
from local.deploy import DEPLOYMENTS, deploy
from local.prefect_server import prefect_server
from local.work_pools import CLOSED, JOBS, JOBS_AT_ONCE, POOLS, RECONCILE, NotDeployed, close_pool
from settings import Settings
from storage.identity import ledger_id
from storage.ledger import open_ledger

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO_MINUTES = timedelta(minutes=2)


async def _nothing() -> None:
    """The fixture has done it."""


async def _prefect_deploy() -> None:
    await module._deploy()
    async with prefect_server() as client:
        await module._set_interval(client, TWO_MINUTES)  # the one thing that prefect.yaml cannot say


@pytest.mark.usefixtures("deployed")
async def test_deployed_twice_there_are_three_deployments_with_one_schedule() -> None:
    async with prefect_server() as client:
        found = {one.name: one for one in await client.read_deployments()}
    assert {name.partition("/")[2] for name in DEPLOYMENTS} == found.keys()
    assert all("reportback" in one.tags and one.description for one in found.values())
    intervals = {name: [module.interval_of(each.schedule) for each in one.schedules] for name, one in found.items()}
    assert intervals == {"docs-job": [], "reconcile-reports": [TWO_MINUTES], "retry-reports": []}
    assert all(one.global_concurrency_limit is None for one in found.values())


@pytest.mark.usefixtures("deployed")
async def test_an_operators_own_limit_of_a_pool_is_kept() -> None:
    async with prefect_server() as client:
        pools = [await client.read_work_pool(name) for name in POOLS]
    assert [(pool.type, pool.concurrency_limit) for pool in pools] == [("process", 5), ("process", None)]


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("again", [_nothing, _prefect_deploy], ids=["make deploy", "prefect deploy --all"])
async def test_every_deployment_names_the_ledger(again: Callable[[], Awaitable[None]]) -> None:
    await again()
    async with open_ledger(Settings().database_url) as ledger:
        mine = await ledger.read(ledger_id)
    async with prefect_server() as client:
        found = await client.read_deployments()
    assert [ledger_named_by(one.tags) for one in found] == [mine] * len(DEPLOYMENTS)
    assert [one.job_variables for one in found] == [{}] * len(DEPLOYMENTS)


async def _made() -> dict[str, dict[str, Any]]:
    """The deployments without what Prefect counts anew each time."""
    counted = {"id", "created", "updated", "version_id", "version_info", "schedules", "last_polled", "status"}
    async with prefect_server() as client:
        return {one.name: one.model_dump(exclude=counted) for one in await client.read_deployments()}


@pytest.mark.usefixtures("deployed")
async def test_prefects_own_command_makes_the_same_deployments() -> None:
    by_make = await _made()
    await _prefect_deploy()
    assert await _made() == by_make


@pytest.mark.usefixtures("deployed")
async def test_deploying_prints_the_deployments_and_the_workers_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    async with prefect_server() as client:
        await draining._pause(client, JOBS, paused=True)
        await module._print_summary(client, "ledger 7")
        await draining._pause(client, JOBS, paused=False)
    told = capsys.readouterr().out
    assert all(words in told for words in (*DEPLOYMENTS, "ledger 7", "every 120 s", "reportback resume"))
    assert f"/artifacts/key/{KEY}" in told
    assert "those of `prefect deploy --all`. Beside that, both pools were closed" in told
    assert f"prefect worker start --pool {JOBS} --limit {JOBS_AT_ONCE}\n" in told
    assert f"prefect worker start --pool {RECONCILE} --limit 2\n" in told


OPEN = ProcessWorker.get_default_base_job_template()
"""What Prefect makes a pool with, and Reportback once did: a flow run may bring its command and environment."""

BROUGHT: dict[str, Any] = {
    "command": "sh -c id", "env": {"REPORTBACK_GITHUB_API_URL": "http://127.0.0.1:9"}, "env.EVIL": "1",
    "working_dir": "/", "name": "mine",
}  # fmt: skip


@pytest.mark.usefixtures("deployed")
async def test_pools_that_stand_open_are_closed() -> None:
    async with prefect_server() as client:
        for name in POOLS:
            await client.update_work_pool(name, WorkPoolUpdate(base_job_template=OPEN))
        await deploy()
        assert [(await client.read_work_pool(name)).base_job_template for name in POOLS] == [CLOSED] * len(POOLS)


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("brought", BROUGHT)
async def test_a_flow_run_can_bring_no_command_and_no_environment(brought: str) -> None:
    async with prefect_server() as client:
        one = await client.read_deployment_by_name(DEPLOYMENTS[0])
        with pytest.raises(PrefectHTTPStatusError) as refused:
            await client.create_flow_run_from_deployment(
                one.id, **WITHOUT_WORKER, job_variables={brought: BROUGHT[brought]}
            )
    assert refused.value.response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def _environment(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


@pytest.mark.usefixtures("deployed")
async def test_overrides_of_a_flow_run_beyond_the_deployment_reach_no_process(rig: Rig) -> None:
    """Every caller of the API may use `POST /flow_runs/`, and Prefect checks no job variables there."""
    sha = rig.commit("past the deployment")
    evil = rig.folder / "evil"
    async with prefect_server() as client, rig.worker("past"):
        one = await client.read_deployment_by_name(DEPLOYMENTS[0])
        asked = {
            "flow_id": str(one.flow_id), "deployment_id": str(one.id),
            "work_pool_name": JOBS, "work_queue_name": "past",
            "parameters": {
                "job": "told", "options": {"name": "past"},
                "target": {"repository": rig.repository, "sha": sha, "context": "docs/past"},
            },
            "state": {"type": "SCHEDULED"}, "job_variables": {"command": f"touch {evil}", "env": {"EVIL": "1"}},
        }  # fmt: skip
        await client.create_work_queue("past", work_pool_name=JOBS)
        made = await client._client.post("/flow_runs/", json=asked)
        run = rig.run_of(made.json()["id"], "past", sha, "docs/past")
        await run.is_at_work()
        env = _environment(await run.pid())
        run.go()
        await run.shows("pending", "success", within=STARTS)
    assert not any(one.startswith(b"EVIL=") for one in env)
    assert not evil.exists()


@pytest.mark.usefixtures("server")
async def test_a_pool_of_another_type_is_refused_by_its_name() -> None:
    async with prefect_server() as client:
        await client.create_work_pool(WorkPoolCreate(name="in-docker", type="docker"))
        with pytest.raises(NotDeployed, match="in-docker is of type docker"):
            await close_pool(client, "in-docker")
