"""Finds flow runs that cannot go on, whatever Prefect shows: their worker or their process is gone."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import WorkerFilter, WorkerFilterLastHeartbeatTime
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.filters import EventFilter

from tasks.process.kernel import command_line

SILENT = timedelta(seconds=90)
"""A worker without a heartbeat for so long is gone: it sends one every 30 s."""

STARTING = timedelta(minutes=10)
"""Within this, a flow run that a worker has taken has a process."""

HEARTBEAT = "prefect.flow-run.heartbeat"
BEATS = timedelta(minutes=10)
"""A flow run without a heartbeat for so long is gone, if its worker is: it sends one every three minutes."""

WORKER = "prefect.worker.name"
"""The label with which a worker marks the flow runs that it takes."""


async def server_time(client: PrefectClient) -> datetime:
    """The clock of Prefect's server, by which it stamps states and heartbeats."""
    answer = await client.request("GET", "/health")
    return parsedate_to_datetime(answer.headers["Date"])


async def dead_runs(client: PrefectClient, runs: Sequence[FlowRun], now: datetime) -> dict[UUID, str]:
    """Those of *runs* that cannot go on, and why. *now*: by the clock of Prefect's server.

    A run whose worker or process may still be there is not among them; nor is one that a person has suspended.
    """
    alive = await _alive(client, runs, now)
    found: dict[UUID, str] = {}
    for run in runs:
        if run.state_type is StateType.PENDING:
            why = _why_never(run, _is_attended(run, alive), now)
        elif run.state_type in (StateType.RUNNING, StateType.CANCELLING):
            why = await _why_no_more(client, run, _is_attended(run, alive), now)
        else:
            continue
        if why:
            found[run.id] = why
    return found


async def _alive(client: PrefectClient, runs: Iterable[FlowRun], now: datetime) -> dict[str, set[str]]:
    """The workers of each pool of *runs* that have sent a heartbeat lately."""
    lately = WorkerFilter(last_heartbeat_time=WorkerFilterLastHeartbeatTime(after_=now - SILENT))
    pools = sorted({run.work_pool_name for run in runs if run.work_pool_name})
    return {
        pool: {one.name for one in await client.read_workers_for_work_pool(pool, worker_filter=lately)}
        for pool in pools
    }


def _is_attended(run: FlowRun, alive: dict[str, set[str]]) -> bool:
    """Whether the worker that took *run* may be there; one that took it a moment ago has not marked it yet."""
    workers, taker = alive.get(run.work_pool_name or ""), run.labels.get(WORKER)
    if workers is None:
        return True  # served by a process, which Prefect does not know
    return taker in workers if taker else bool(workers)


def _since(run: FlowRun, now: datetime) -> timedelta:
    assert run.state is not None  # its type was read
    return timedelta(seconds=now.timestamp() - run.state.timestamp.timestamp())


def _why_never(run: FlowRun, is_attended: bool, now: datetime) -> str | None:  # noqa: FBT001  # read beside its run
    if not is_attended and _since(run, now) > SILENT:
        return "its worker is gone"
    return "it did not start within 10 minutes" if _since(run, now) > STARTING else None


async def _why_no_more(client: PrefectClient, run: FlowRun, is_attended: bool, now: datetime) -> str | None:  # noqa: FBT001  # the same
    if is_attended or _since(run, now) <= SILENT or _is_here(run):
        return None
    if _since(run, now) > BEATS and not await _beats(client, run.id, now):
        return "its worker is gone, and it has no heartbeat"
    return None


def _is_here(run: FlowRun) -> bool:
    """Whether a process of this machine may be that flow run's. Its environment, with the run's id, is closed."""
    pid = run.infrastructure_pid or ""
    return pid.isdigit() and any("prefect" in word for word in command_line(int(pid)))


async def _beats(client: PrefectClient, run_id: UUID, now: datetime) -> bool:
    """Whether the flow run has sent a heartbeat lately."""
    asked = EventFilter.model_validate(
        {
            "occurred": {"since": now - BEATS, "until": now + BEATS},
            "event": {"name": [HEARTBEAT]},
            "resource": {"id": [f"prefect.flow-run.{run_id}"]},
        }
    )
    return bool((await client.read_events(asked, limit=1)).events)
