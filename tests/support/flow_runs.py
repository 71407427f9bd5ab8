"""Flow runs on the test server: start one, run it again, and read its state, tasks, log and artifacts."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID, uuid4

from prefect import Flow, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterType,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import Artifact, State, StateType, TaskRun
from prefect.exceptions import Abort
from prefect.flow_engine import run_flow
from prefect.logging.handlers import APILogHandler
from prefect.states import AwaitingRetry, Pending
from waiting import until

T = TypeVar("T")
FINAL = {StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED}


@dataclass(frozen=True, slots=True)
class Run:
    """A flow run that has ended; `state` is Prefect's."""

    id: UUID
    state: State[Any]

    @property
    def shows(self) -> tuple[str, str, str]:
        """Type, name and message of its state."""
        return self.state.type.value, self.state.name or "", self.state.message or ""


async def run(flow: Flow[..., Any], parameters: Mapping[str, Any] | None = None) -> Run:
    """Execute a new flow run in this process, as a worker does."""
    return await run_made(flow, await new_run(flow, parameters))


async def new_run(flow: Flow[..., Any], parameters: Mapping[str, Any] | None = None) -> UUID:
    """Create a flow run without executing it; return its id."""
    async with get_client() as client:
        made = await client.create_flow_run(flow, parameters=dict(parameters or {}), state=Pending())
    return made.id


async def deployed(flow: Flow[..., Any], *, tags: Sequence[str] = ()) -> UUID:
    """A deployment without a worker."""
    async with get_client() as client:
        flow_id = await client.create_flow(flow)
        return await client.create_deployment(flow_id, str(uuid4()), tags=list(tags))


async def run_of(deployment_id: UUID, state: State[None]) -> UUID:
    """Create a run of a deployment in that state; return its id."""
    async with get_client() as client:
        return (await client.create_flow_run_from_deployment(deployment_id, state=state)).id


async def run_again(flow: Flow[..., Any], run_id: UUID) -> Run:
    """Execute the same flow run again, as Retry in the UI does."""
    async with get_client() as client:
        await client.set_flow_run_state(run_id, AwaitingRetry(), force=True)
    return await run_made(flow, run_id)


async def run_made(flow: Flow[..., Any], run_id: UUID) -> Run:
    """Execute an existing flow run."""
    async with get_client() as client:
        flow_run = await client.read_flow_run(run_id)
    with suppress(Abort):  # a worker's process ends with 0 here
        await run_flow(flow, flow_run=flow_run, return_type="state")  # type: ignore[misc]  # typed for sync flows too
    return Run(run_id, await state_of_run(run_id))


async def state_of_run(run_id: UUID) -> State[Any]:
    async with get_client() as client:
        state = (await client.read_flow_run(run_id)).state
    assert state is not None
    return state


async def state_name_of(run_id: UUID) -> str:
    return (await state_of_run(run_id)).name or ""


async def name_of_run(run_id: UUID) -> str:
    async with get_client() as client:
        return (await client.read_flow_run(run_id)).name


async def task_runs(run_id: UUID, count: int) -> dict[str, TaskRun]:
    """The task runs of a flow run by task name, once *count* of them have ended."""
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))

    async def over() -> dict[str, TaskRun]:
        async with get_client() as client:
            found = await client.read_task_runs(flow_run_filter=wanted)
        return {one.name.rpartition("-")[0]: one for one in found if one.state and one.state.type in FINAL}

    return await _once(over, lambda found: len(found) >= count, f"{count} task runs that are over")


async def log_of(run_id: UUID, *words: str) -> str:
    """The log of a flow run, once it contains all *words*."""

    async def read() -> str:
        await APILogHandler.aflush()
        async with get_client() as client:
            found = await client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id])))
        return "\n".join(one.message for one in found)

    return await _once(read, lambda text: all(word in text for word in words), f"a log that says {words}")


async def artifacts_of(run_id: UUID, kind: str) -> list[Artifact]:
    """The artifacts of a flow run of a kind, such as "progress", oldest first."""
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]), type=ArtifactFilterType(any_=[kind]))
    async with get_client() as client:
        found = await client.read_artifacts(artifact_filter=wanted)
    return sorted(found, key=lambda one: one.created or datetime.min.replace(tzinfo=UTC))


async def page_of(run_id: UUID) -> str:
    """The job page of a flow run."""
    return str((await artifacts_of(run_id, "markdown"))[-1].data)


async def _once(read: Callable[[], Awaitable[T]], holds: Callable[[T], bool], what: str) -> T:
    """The value of *read* once it *holds*: Prefect's server stores task runs and logs a little later."""
    found = list[T]()

    async def is_shown() -> bool:
        found.append(await read())
        return holds(found[-1])

    await until(is_shown, what=lambda: f"{what}; last: {found[-1]}")
    return found[-1]
