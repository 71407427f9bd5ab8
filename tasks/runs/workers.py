"""Tells which of Prefect's workers are alive. Every function raises the errors of Prefect's client."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import WorkerFilter, WorkerFilterLastHeartbeatTime
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound

from domain.operations.job_runs import NO_HEARTBEAT

MOST = 200
"""Workers of a pool that Prefect returns at once, at most."""

WORKER, POOL = "prefect.worker.name", "prefect.work-pool.name"
"""Labels that a worker gives to a flow run that it takes."""


async def time_of(client: PrefectClient) -> datetime:
    """The time by the server's clock, from the `Date` of an answer: up to two seconds ago, never ahead."""
    answer = await client.request("GET", "/health")
    return parsedate_to_datetime(answer.headers["Date"])


async def alive_workers(client: PrefectClient, runs: Iterable[FlowRun], now: datetime) -> dict[str, set[str]]:
    """The names of the workers of each pool of *runs* that have sent a heartbeat within `NO_HEARTBEAT`."""
    lately = WorkerFilter(last_heartbeat_time=WorkerFilterLastHeartbeatTime(after_=now - NO_HEARTBEAT))
    pools = {name for run in runs if (name := pool_of(run))}
    return {pool: await _names(client, pool, lately) for pool in sorted(pools)}


async def _names(client: PrefectClient, pool: str, wanted: WorkerFilter) -> set[str]:
    try:
        return {one.name for one in await client.read_workers_for_work_pool(pool, wanted, limit=MOST)}
    except ObjectNotFound:  # the pool was deleted
        return set()


def pool_of(run: FlowRun) -> str | None:
    """The pool of the worker that took the flow run, or in which it is offered. None: it is served by a process."""
    return str(run.labels.get(POOL) or run.work_pool_name or "") or None


def worker_of(run: FlowRun) -> str | None:
    """The name of the worker that took the flow run. None: not known, or not yet."""
    return str(run.labels.get(WORKER) or "") or None


def is_attended(run: FlowRun, alive: Mapping[str, set[str]]) -> bool | None:
    """Whether the worker that took the flow run is alive; where it is not known, any of its pool. None: no pool."""
    workers, taker = alive.get(pool_of(run) or ""), worker_of(run)
    if workers is None:
        return None
    return taker in workers if taker else bool(workers)
