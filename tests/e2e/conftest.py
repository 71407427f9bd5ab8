"""One installation for all tests of this folder. Tests marked `together` run at once: they mostly wait."""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

import pytest
import pytest_asyncio
from e2e_rig import INTERVAL, SECONDS, Rig, rig_in
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.context import refresh_global_settings_context
from real_processes import ROOT, adopt_orphans, command_line, offspring

from local.deploy import _set_interval, deploy
from local.prefect_server import prefect_server
from local.work_pools import JOBS

AT_ONCE = 6
BODY = pytest.StashKey[Callable[..., Awaitable[None]]]()
LOGS = ROOT / "build" / "e2e"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "together: runs at once with the others that are marked so")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that run together come first. Such an item only waits for what `under_way` has started for it."""
    items.sort(key=lambda item: item.get_closest_marker("together") is None)
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("together"):
            item.stash[BODY] = item.obj
            item.obj = _waits_for(item)


def _waits_for(item: pytest.Function) -> Callable[..., Awaitable[None]]:
    async def wait(**_: object) -> None:
        under_way = cast("Mapping[str, asyncio.Task[None]]", item.funcargs["under_way"])
        await under_way[item.nodeid]

    return wait


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """The installation. Nothing of it is left at the end."""
    adopt_orphans()
    others = set(offspring(os.getpid()))
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    try:
        async with rig_in(tmp_path_factory.mktemp("e2e"), LOGS) as made:
            yield made
    finally:
        left = {pid: command_line(pid) for pid in offspring(os.getpid()) if pid not in others}
        for pid in left:
            with suppress(ProcessLookupError):  # over meanwhile
                os.kill(pid, signal.SIGKILL)
    assert left == {}


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def under_way(rig: Rig, request: pytest.FixtureRequest) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """What runs together, by the name of the test that waits for it."""
    places = asyncio.Semaphore(AT_ONCE)
    chosen = [item for item in request.session.items if BODY in item.stash]
    tasks = {item.nodeid: asyncio.create_task(_in_a_place(places, item, rig)) for item in chosen}
    yield tasks
    for task in tasks.values():
        task.cancel()
    if tasks:
        await asyncio.wait(tasks.values())


async def _in_a_place(places: asyncio.Semaphore, item: pytest.Item, rig: Rig) -> None:
    params: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    async with places:
        await item.stash[BODY](rig=rig, **params)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(rig: Rig) -> AsyncIterator[None]:
    """The server and the ledger of the installation are named in the environment, as for `make deploy`."""
    named = {name: value for name, value in rig.env.items() if name.startswith(("REPORTBACK_", "PREFECT_"))}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in named.items():
            patch.setenv(name, value)
        refresh_global_settings_context()
        yield
    refresh_global_settings_context()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployed(server: None) -> AsyncIterator[None]:  # noqa: ARG001  # it has to be there
    """The deployments, made again, after an operator has limited a pool and the interval was changed."""
    await _limit(JOBS, 5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPORTBACK_INTERVAL", "2m")
        await deploy()
    yield
    await _limit(JOBS, None)
    async with prefect_server() as client:
        await _set_interval(client, timedelta(seconds=INTERVAL))


async def _limit(pool: str, count: int | None) -> None:
    async with prefect_server() as client:
        await client.update_work_pool(pool, WorkPoolUpdate(concurrency_limit=count))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"\nWhat the processes said is in {LOGS}")
    if not SECONDS:
        return
    rows = {what: round(seconds, 1) for what, seconds in SECONDS.items()}
    (LOGS / "seconds.json").write_text(json.dumps({"interval": INTERVAL, "seconds": rows}, indent=2), encoding="utf-8")
    terminalreporter.write_line(f"\n| with a pass every {INTERVAL} s | seconds to the commit |\n| --- | --- |")
    for what, seconds in rows.items():
        terminalreporter.write_line(f"| {what} | {seconds:.0f} |")
