"""`make deploy` and `reportback drain`, against a Prefect server of their own."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Completed, Pending, Running
from prefect.testing.utilities import prefect_test_harness
from rich.console import Console

from local import deploy as module
from local import drain as draining
from local.deploy import DEPLOYMENTS, NotDeployed, deploy
from local.drain import NoPool, drain, resume
from local.prefect_server import JOBS, POOLS, RECONCILE, NoServer, prefect_server
from local.stack import free_port
from settings import ROOT, Settings
from storage.engine import open_ledger
from storage.identity import ledger_id

MOMENT = timedelta(seconds=0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Prefect server, and a ledger to deploy for; both are named in the environment, as for `make deploy`."""
    folder = tmp_path_factory.mktemp("deploy")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("REPORTBACK_")]:
            patch.delenv(name)
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        patch.setenv("REPORTBACK_DATABASE_URL", f"sqlite:///{folder / 'ledger.db'}")
        with prefect_test_harness(server_startup_timeout=90):
            patch.setenv("PREFECT_HOME", str(folder / "prefect"))
            patch.setenv("PREFECT_API_URL", PREFECT_API_URL.value() or "")
            yield


@pytest.fixture(scope="module")
def deployed(server: None) -> None:  # noqa: ARG001  # it has to be there
    """The deployments, made twice; in between an operator limits a pool, and the interval changes."""
    asyncio.run(deploy())
    asyncio.run(_limit(JOBS, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPORTBACK_INTERVAL", "2m")
        asyncio.run(deploy())


async def _limit(pool: str, count: int) -> None:
    async with prefect_server() as client:
        await client.update_work_pool(pool, WorkPoolUpdate(concurrency_limit=count))


@pytest.mark.usefixtures("deployed")
async def test_deployed_twice_there_are_three_deployments_with_one_schedule() -> None:
    async with prefect_server() as client:
        found = {one.name: one for one in await client.read_deployments()}
    assert {name.partition("/")[2] for name in DEPLOYMENTS} == found.keys()
    assert all(one.tags == ["reportback"] and one.description for one in found.values())
    intervals = {name: [module._interval(each.schedule) for each in one.schedules] for name, one in found.items()}
    assert intervals == {"docs-job": [], "reconcile-reports": [timedelta(minutes=2)], "retry-reports": []}
    assert all(one.global_concurrency_limit is None for one in found.values())


@pytest.mark.usefixtures("deployed")
async def test_an_operators_own_limit_of_a_pool_is_kept() -> None:
    async with prefect_server() as client:
        pools = [await client.read_work_pool(name) for name in POOLS]
    assert [(pool.type, pool.concurrency_limit) for pool in pools] == [("process", 5), ("process", None)]


@pytest.mark.usefixtures("deployed")
async def test_every_deployment_carries_the_ledgers_id() -> None:
    async with open_ledger(Settings().database_url) as ledger, ledger.transaction() as session:
        mine = await ledger_id(session)
    async with prefect_server() as client:
        carried = [one.job_variables["env"]["REPORTBACK_LEDGER_ID"] for one in await client.read_deployments()]
    assert len(carried) == len(DEPLOYMENTS)
    assert {Settings(ledger_id=one).ledger_id for one in carried} == {mine}


@pytest.mark.usefixtures("deployed")
async def test_what_is_deployed_is_told_with_the_workers_to_start(capsys: pytest.CaptureFixture[str]) -> None:
    async with prefect_server() as client:
        await draining._pause(client, JOBS, paused=True)
        await module._tell(client, Console(), "ledger 7")
        await draining._pause(client, JOBS, paused=False)
    told = capsys.readouterr().out
    assert all(words in told for words in (*DEPLOYMENTS, "ledger 7", "every 120 s", "reportback resume"))
    assert f"prefect worker start --pool {JOBS}\n" in told
    assert f"prefect worker start --pool {RECONCILE} --limit 2\n" in told


@pytest.mark.usefixtures("server")
async def test_a_pool_of_another_type_is_refused_by_its_name() -> None:
    async with prefect_server() as client:
        await client.create_work_pool(WorkPoolCreate(name="in-docker", type="docker"))
        with pytest.raises(NotDeployed, match="in-docker is of type docker"):
            await module._have_pool(client, "in-docker")


async def test_where_prefect_refuses_its_own_words_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    refuses = "echo Invalid fields; echo in deployments; exit 1"
    monkeypatch.setattr(module, "PREFECT", ("sh", "-c", refuses))
    with pytest.raises(NotDeployed, match=r"^`prefect deploy` failed:\nInvalid fields\nin deployments$"):
        await module._deploy(UUID(int=7))


@pytest.mark.parametrize("ask", [deploy, lambda: drain(POOLS, MOMENT), lambda: resume(POOLS)])
async def test_where_no_server_is_named_it_is_said_what_to_set(ask: Callable[[], Awaitable[object]]) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}), pytest.raises(NoServer, match="export the address"):
        await ask()


async def test_a_server_that_does_not_answer_is_named() -> None:
    nobody = f"http://127.0.0.1:{free_port()}/api"
    with temporary_settings({PREFECT_API_URL: nobody}), pytest.raises(NoServer, match=f"{nobody} cannot be reached"):
        await resume(POOLS)


async def run_in(client: PrefectClient, state: State[None]) -> UUID:
    """A flow run of docs-job in *state*, as if a worker had brought it there."""
    deployment = await client.read_deployment_by_name(DEPLOYMENTS[0])
    parameters = {"job": "sphinx"}
    made = await client.create_flow_run_from_deployment(deployment.id, parameters=parameters, name="under-way")
    await client.set_flow_run_state(made.id, state, force=True)
    return made.id


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("state", [Pending(), Running()], ids=["taken on", "running"])
async def test_a_drain_waits_until_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: State[None]
) -> None:
    monkeypatch.setattr(draining, "LOOK_EVERY", MOMENT)
    async with prefect_server() as client:
        run_id = await run_in(client, state)
        assert await drain([JOBS], timedelta(seconds=1)) == 1
        waiting = asyncio.create_task(drain([JOBS], timedelta(seconds=60)))
        await asyncio.wait({waiting}, timeout=1)
        assert not waiting.done()
        await client.set_flow_run_state(run_id, Completed(), force=True)
        assert await waiting == 0
        assert (await client.read_work_pool(JOBS)).is_paused
        await resume([JOBS])
        pool = await client.read_work_pool(JOBS)
        assert (pool.is_paused, pool.concurrency_limit) == (False, 5)
    assert f"there still run: under-way ({state.name})" in capsys.readouterr().out


@pytest.mark.usefixtures("deployed")
async def test_what_is_scheduled_does_not_hold_up_a_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker takes it on while the pool is paused; it starts when that goes on."""
    monkeypatch.setattr(draining, "LOOK_EVERY", MOMENT)
    async with prefect_server() as client:
        deployment = await client.read_deployment_by_name(DEPLOYMENTS[0])
        await client.create_flow_run_from_deployment(deployment.id, parameters={"job": "sphinx"})
    assert await drain([JOBS], timedelta(seconds=60)) == 0
    await resume([JOBS])


@pytest.mark.usefixtures("server")
async def test_a_pool_that_is_not_there_is_named() -> None:
    with pytest.raises(NoPool, match="no work pool nowhere: run `make deploy` first"):
        await drain(["nowhere"], MOMENT)


def test_prefect_yaml_names_what_the_code_names() -> None:
    written = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    named = [(one["name"], one["work_pool"]["name"]) for one in written["deployments"]]
    assert [name for name, _ in named] == [name.partition("/")[2] for name in DEPLOYMENTS]
    assert {pool for _, pool in named} == set(POOLS)
    variables = [one["work_pool"]["job_variables"]["env"]["REPORTBACK_LEDGER_ID"] for one in written["deployments"]]
    assert variables == ["urn:uuid:{{ $REPORTBACK_LEDGER_ID }}"] * 3
    assert "pull" not in written  # no folder of one machine
