"""Pauses work pools and waits for their flow runs to end: a stopped worker kills its flow runs."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from rich.console import Console

from domain.addresses import without_user
from domain.text import one_line
from local.prefect_server import prefect_server
from local.work_pools import POOLS
from tasks.runs.dead_runs import dead_runs
from tasks.runs.workers import time_of

UNDER_WAY = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING, StateType.PAUSED]
"""A worker has taken on Pending runs, though their process may not have started. A running one can be suspended: its
command goes on, and it stays Paused after that until it is resumed, cancelled or deleted."""
POLL_EVERY = timedelta(seconds=2)
STILL = 2
"""How many checks in a row must find none: a worker may have polled for runs just before its pool was paused."""


async def drain(*pools: str, timeout: Annotated[timedelta, Parameter(metavar="SPAN")] = timedelta(minutes=10)) -> int:  # noqa: ASYNC109  # an option
    """Pause the work pools and wait until none of their flow runs is running: before stopping workers or an upgrade.

    A flow run whose worker or process is gone is named, and not waited for: the reconciliation ends it in Prefect.

    Args:
        pools: Names of work pools; without any, both of Reportback's.
        timeout: How long to wait, such as 90s, 10m or 2h. Exits with 1 if a flow run is still running then.

    Raises:
        NoServer: no Prefect server is named, or it does not answer.
        NoPool: the server has no such pool.
    """
    console, pools = Console(highlight=False, markup=False, soft_wrap=True), pools or POOLS
    async with prefect_server() as client:
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                for pool in pools:
                    with _named(client, pool):
                        await _pause(client, pool, paused=True)
                        await _until_still(client, pool, console)
        except TimeoutError:
            left = [one for pool in pools for one in (await _under_way(client, pool))[0]]
            console.print(
                f"After {timeout} still running: {_names(left)}. A job that is stopped now is reported as an error."
            )
            return 1
    console.print(f"Paused, and nothing runs: {', '.join(pools)}. `reportback resume` lets them go on.")
    return 0


async def resume(*pools: str) -> None:
    """Let the workers of the work pools start flow runs again, after `drain`.

    Args:
        pools: Names of work pools; without any, both of Reportback's.

    Raises:
        NoServer: no Prefect server is named, or it does not answer.
        NoPool: the server has no such pool.
    """
    async with prefect_server() as client:
        for pool in pools or POOLS:
            with _named(client, pool):
                await _pause(client, pool, paused=False)


class NoPool(ValueError):
    """The Prefect server has no such work pool."""


@contextmanager
def _named(client: PrefectClient, pool: str) -> Iterator[None]:
    try:
        yield
    except ObjectNotFound:
        raise NoPool(f"{without_user(str(client.api_url))} has no work pool {pool}: run `make deploy` first") from None


async def _pause(client: PrefectClient, pool: str, *, paused: bool) -> None:
    await client.update_work_pool(pool, WorkPoolUpdate(is_paused=paused))


async def _was_resumed(client: PrefectClient, pool: str) -> bool:
    """Whether *pool* was resumed; pauses it again then.

    The systemd unit of another worker resumes it when that worker starts or ends.
    """
    if (await client.read_work_pool(pool)).is_paused:
        return False
    await _pause(client, pool, paused=True)
    return True


async def _until_still(client: PrefectClient, pool: str, console: Console) -> None:
    still, said, named = 0, "", set[str]()
    while True:
        runs, gone = await _under_way(client, pool)
        for name in gone.keys() - named:
            named.add(name)
            console.print(f"not waited for: {name}: {gone[name]}, so it cannot go on")
        was_resumed = await _was_resumed(client, pool)
        still = 0 if runs or was_resumed else still + 1
        if still == STILL:  # return at once: a later resume is not to be undone
            return
        if runs and said != (said := _names(runs)):
            console.print(f"{pool} is paused; waiting for {said}")
        await asyncio.sleep(POLL_EVERY.total_seconds())


async def _under_way(client: PrefectClient, pool: str) -> tuple[list[FlowRun], dict[str, str]]:
    """The pool's flow runs that can go on, and the names of those that cannot, each with why."""
    found = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNDER_WAY))),
        work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
    )
    dead = await dead_runs(client, found, await time_of(client)) if found else {}
    gone = {_names([run]): dead[run.id] for run in found if run.id in dead}
    return [run for run in found if run.id not in dead], gone


def _names(runs: Sequence[FlowRun]) -> str:
    return one_line(", ".join(f"{run.name} ({run.state_name})" for run in runs))
