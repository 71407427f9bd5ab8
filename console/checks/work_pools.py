"""Checks Prefect's work pools: there, closed, not paused, and each with a worker online."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import Worker, WorkerStatus, WorkPool, WorkQueue
from prefect.exceptions import ObjectNotFound

from console.checks.finding import Finding, bad, good, plain_time
from domain.units import span
from local.work_pools import CLOSED, RECONCILE

SEEN = 200
"""How many workers of a pool are asked for, those seen last: each start of a worker without a name leaves one more."""


async def check(client: PrefectClient, name: str, now: datetime) -> tuple[list[Finding], list[Worker]]:
    """Findings about the pool *name*, and its workers that are online."""
    try:
        pool = await client.read_work_pool(name)
    except ObjectNotFound:
        return [closed(name, None)], []
    workers = await client.read_workers_for_work_pool(name, limit=SEEN)
    queues = await client.read_work_queues(work_pool_name=name)
    return [closed(name, pool), *stopped(pool, queues), *online(name, workers, now)], _online(workers)


def closed(name: str, pool: WorkPool | None) -> Finding:
    """Whether the pool is there, and takes no command or environment from a flow run."""
    what = f"work pool {name}"
    if pool is None:
        return bad(what, "is not there: run `make deploy`")
    if pool.base_job_template != CLOSED:
        return bad(what, "is open: a flow run can bring a command or an environment of its own; run `make deploy`")
    return good(what, "is closed: flow runs bring no command and no environment")


def stopped(pool: WorkPool, queues: Sequence[WorkQueue]) -> Iterator[Finding]:
    """A problem for each setting in Prefect that keeps the pool's flow runs from starting."""
    what = f"work pool {pool.name}"
    if pool.is_paused:
        yield bad(what, f"is paused, so that nothing of it starts: `reportback resume {pool.name}`")
    if pool.concurrency_limit is not None and (pool.active_slots or 0) >= pool.concurrency_limit:
        yield bad(
            what,
            f"has its limit of {pool.concurrency_limit} used up, by flow runs that run or died Running: "
            f"`prefect work-pool clear-concurrency-limit {pool.name}`, and give its worker a `--limit` instead",
        )
    for queue in queues:
        if queue.is_paused:
            cure = f"`prefect work-queue resume {queue.name} --pool {pool.name}`"
            yield bad(what, f"has its work queue {queue.name} paused, so that nothing of that starts: {cure}")


def _online(workers: Sequence[Worker]) -> list[Worker]:
    return [one for one in workers if one.status is WorkerStatus.ONLINE]


def online(name: str, workers: Sequence[Worker], now: datetime) -> Iterator[Finding]:
    """Whether a worker of the pool *name* is online, and when each was seen last."""
    what = f"workers of {name}"
    if alive := _online(workers):
        yield good(what, f"online: {', '.join(f'{one.name} (seen {_ago(one, now)})' for one in alive)}")
        return
    last = max(workers, key=lambda one: one.last_heartbeat_time or one.created or now, default=None)
    seen = f"the last one, {last.name}, was seen {_ago(last, now)}" if last else "there never was one"
    limit = " --limit 2" if name == RECONCILE else ""
    yield bad(what, f"none is online, {seen}: `prefect worker start --pool {name}{limit}`, or start its systemd unit")


def _ago(one: Worker, now: datetime) -> str:
    seen = one.last_heartbeat_time
    return f"{span(max(now - plain_time(seen), timedelta(0)))} ago" if seen else "never"
