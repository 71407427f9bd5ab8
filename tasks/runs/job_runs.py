"""Reads the flow runs of docs jobs from Prefect's server. Every function raises the errors of Prefect's client."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    TaskRunFilter,
    TaskRunFilterName,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.sorting import FlowRunSort

from domain.operations.job_runs import LATE_AFTER, JobRun, RunCounts, Standing
from domain.operations.ledger_tag import BadLedgerTag, ledger_named_by
from tasks.runs.workers import alive_workers, is_attended, worker_of

TIMEOUT = timedelta(seconds=20)
"""How long Prefect may take for all requests of one `server` block."""

DOCS_JOBS = FlowFilter(name=FlowFilterName(any_=["docs-job"]))

PAGE = 200
"""Flow runs that Prefect returns at once, at most."""

MOVED = PAGE // 10
"""By how many flow runs two pages overlap: those that no longer match when the second is read let others move up."""

STARTED_JOB = TaskRunFilter(name=TaskRunFilterName(like_="run_job"))
"""A task that runs only once the job is accepted."""


@asynccontextmanager
async def server() -> AsyncIterator[PrefectClient]:
    """A client of Prefect's server, for at most `TIMEOUT`."""
    async with asyncio.timeout(TIMEOUT.total_seconds()), get_client() as client:
        yield client


async def deployments_of(client: PrefectClient, named: Collection[UUID | None]) -> list[UUID]:
    """The docs-job deployments that name one of these ledgers; None: no ledger."""
    found = await client.read_deployments(flow_filter=DOCS_JOBS)
    return [one.id for one in found if _ledger_of(one) in named]


def _ledger_of(deployment: DeploymentResponse) -> UUID | str | None:
    """The ledger that the deployment names, if any; the error message for an invalid tag."""
    try:
        return ledger_named_by(deployment.tags)
    except BadLedgerTag as error:
        return str(error)


def runs_of(deployment_ids: Sequence[UUID] | None, *states: StateType, **more: Mapping[str, datetime]) -> FlowRunFilter:
    """The flow runs of these deployments, or of any, in one of *states*; *more* conditions in Prefect's notation."""
    of = None if deployment_ids is None else {"any_": deployment_ids}
    return FlowRunFilter.model_validate({"deployment_id": of, "state": {"type": {"any_": states}}, **more})


async def active_runs(client: PrefectClient, deployment_ids: Sequence[UUID], now: datetime) -> list[JobRun]:
    """The flow runs that workers have taken and that have not ended, with whether their workers are alive at *now*."""
    found = await _every(client, runs_of(deployment_ids, StateType.PENDING, StateType.RUNNING), FlowRunSort.ID_DESC)
    alive = await alive_workers(client, found, now)
    return [_job_run(run, alive) for run in found]


async def scheduled_runs(client: PrefectClient, deployment_ids: Sequence[UUID], *, limit: int) -> list[JobRun]:
    """The flow runs that no worker has taken, in the order in which they were to start."""
    asked, sort = runs_of(deployment_ids, StateType.SCHEDULED), FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
    found = await client.read_flow_runs(flow_run_filter=asked, sort=sort, limit=min(limit, PAGE))
    return [_job_run(run, {}) for run in found]


async def dead_runs(
    client: PrefectClient, deployment_ids: Sequence[UUID], *, after: datetime, before: datetime
) -> list[JobRun]:
    """The flow runs that ended as Failed or Crashed in that time."""
    ended = {"after_": after, "before_": before}
    asked = runs_of(deployment_ids, StateType.FAILED, StateType.CRASHED, end_time=ended)
    return [_job_run(run, {}) for run in await _every(client, asked, FlowRunSort.END_TIME_DESC)]


async def _every(client: PrefectClient, asked: FlowRunFilter, sort: FlowRunSort) -> list[FlowRun]:
    found: dict[UUID, FlowRun] = {}
    offset = 0
    while True:
        page = await client.read_flow_runs(flow_run_filter=asked, sort=sort, limit=PAGE, offset=offset)
        found |= {run.id: run for run in page}
        if len(page) < PAGE:
            return list(found.values())
        offset += PAGE - MOVED


async def have_started(client: PrefectClient, run_ids: Sequence[UUID]) -> set[UUID]:
    """Those of up to `PAGE` flow runs whose job was accepted once, even if the ledger no longer knows it."""
    ours = FlowRunFilter.model_validate({"id": {"any_": list(run_ids)}})
    found = await client.read_flow_runs(flow_run_filter=ours, task_run_filter=STARTED_JOB, limit=PAGE)
    return {run.id for run in found}


def _job_run(run: FlowRun, alive: Mapping[str, set[str]]) -> JobRun:
    assert run.state is not None and run.created is not None  # the server has both of every flow run
    due_at = run.next_scheduled_start_time
    asked_at = max(_plain(run.created), _plain(run.expected_start_time or run.created))
    return JobRun(
        id=run.id, name=run.name, state=run.state.type.value, state_name=run.state.name or "",
        state_at=_plain(run.state.timestamp), asked_at=asked_at, parameters=run.parameters,
        tags=tuple(run.tags), start=run.run_count, due_at=_plain(due_at) if due_at else None,
        worker=worker_of(run), is_attended=is_attended(run, alive),
    )  # fmt: skip


def _plain(moment: datetime) -> datetime:
    """A time of Prefect's as the standard library's: spans between its own do not compare with others."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)


async def counted(
    client: PrefectClient, deployment_ids: Sequence[UUID], active: Sequence[JobRun], known: Collection[UUID],
    now: datetime,
) -> RunCounts:  # fmt: skip
    """How many flow runs have which standing. *active*: those at workers; *known*: those with a job in the ledger."""
    is_late = {"before_": now - LATE_AFTER}
    late = runs_of(deployment_ids, StateType.SCHEDULED, next_scheduled_start_time=is_late)
    scheduled = await client.count_flow_runs(flow_run_filter=runs_of(deployment_ids, StateType.SCHEDULED))
    count = await client.count_flow_runs(flow_run_filter=late)
    sort = FlowRunSort.NEXT_SCHEDULED_START_TIME_ASC
    oldest = await client.read_flow_runs(flow_run_filter=late, sort=sort, limit=1)
    running = sum(run.id in known for run in active)
    counts = {
        Standing.WAITING: max(0, scheduled - count), Standing.LATE: count,
        Standing.STARTING: len(active) - running, Standing.RUNNING: running,
    }  # fmt: skip
    since = oldest[0].next_scheduled_start_time if oldest else None
    return RunCounts(now, counts, _plain(since) if since else None)
