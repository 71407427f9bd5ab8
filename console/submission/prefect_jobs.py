"""Starts docs jobs on a Prefect server and reads their state; retries while the server is unavailable."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterType,
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterName,
)
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.sorting import ArtifactSort, TaskRunSort
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.utilities.urls import url_for

from console.checks.work_pools import online, stopped
from console.submission.prefect_refusal import refusal
from console.submission.unreachable import Unavailable, ask_until_reachable
from domain.addresses import without_user
from domain.jobs.submission import Submission
from local.no_server import NoServer
from local.prefect_server import prefect_server
from local.work_pools import JOBS

T = TypeVar("T")

DEPLOYMENT = "docs-job/docs-job"
REPORT = "report_status"
"""The task of the flow that reports the outcome."""

PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
"""Client errors that may pass."""


class JobNotStarted(ValueError):
    """Prefect created no flow run, or has none; the message says why."""


@dataclass(frozen=True, slots=True)
class Started:
    """A flow run. `is_new`: created for this request, not for an earlier one with the same key."""

    run_id: UUID
    url: str
    is_new: bool


class Jobs:
    """The docs jobs of one server. Every method raises `Unreachable` once the server was unavailable for too long."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client
        self._where = without_user(str(client.api_url))

    async def start(self, submission: Submission, key: str) -> Started:
        """Start a job; if one with this *key* was started before, there is only that one.

        Raises:
            JobNotStarted: the server refused; or the key belongs to a job that was asked for something else.
        """
        deployment_id = await self._ask(self._deployment_id)
        asked = {"parameters": submission.parameters, "idempotency_key": key}

        async def made() -> tuple[FlowRun, bool]:
            where = {"id": deployment_id}
            done = await self._client.request(
                "POST", "/deployments/{id}/create_flow_run", path_params=where, json=asked
            )
            return FlowRun.model_validate(done.json()), done.status_code == HTTPStatus.CREATED

        run, is_new = await self._ask(made)
        url = without_user(url_for("flow-run", obj_id=run.id) or f"flow run {run.id}")
        if not run.parameters.items() >= submission.parameters.items():
            raise JobNotStarted(f"another job was started with the key {key}: {url}; give this one a --key of its own")
        return Started(run.id, url, is_new)

    async def state(self, run_id: UUID) -> State[Any] | None:
        """The state of the flow run.

        Raises:
            JobNotStarted: it was deleted.
        """

        async def read() -> State[Any] | None:
            try:
                return (await self._client.read_flow_run(run_id)).state
            except ObjectNotFound:
                raise JobNotStarted(f"the flow run {run_id} was deleted") from None

        return await self._ask(read)

    async def blocker(self) -> str:
        """What keeps jobs from being started, and what to do: a paused pool, no worker. Empty: not known."""
        with suppress(httpx.HTTPError, PrefectException, ValueError):  # best effort: not all callers may ask
            pool = await self._client.read_work_pool(JOBS)
            queues = await self._client.read_work_queues(work_pool_name=JOBS)
            workers = await self._client.read_workers_for_work_pool(JOBS)
            problems = (*stopped(pool, queues), *online(JOBS, workers, datetime.now(UTC)))
            return next((f"{one.what}: {one.words}" for one in problems if not one.ok), "")
        return ""

    async def progress(self, run_id: UUID) -> float | None:
        """The progress in per cent, if the job's output reports it."""
        bars = ArtifactFilter(
            flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]), type=ArtifactFilterType(any_=["progress"])
        )

        async def read() -> float | None:
            found = await self._client.read_artifacts(artifact_filter=bars, sort=ArtifactSort.CREATED_DESC, limit=1)
            return float(found[0].data) if found and isinstance(found[0].data, int | float) else None

        return await self._ask(read)

    async def report(self, run_id: UUID) -> State[Any] | None:
        """The state of the latest task that reports the outcome. None: there is none, or it is not stored yet."""
        ours = FlowRunFilter(id=FlowRunFilterId(any_=[run_id]))
        reports = TaskRunFilter(name=TaskRunFilterName(like_=REPORT))

        async def read() -> State[Any] | None:
            found = await self._client.read_task_runs(
                flow_run_filter=ours, task_run_filter=reports, sort=TaskRunSort.EXPECTED_START_TIME_DESC, limit=1
            )
            return found[0].state if found else None

        return await self._ask(read)

    async def _deployment_id(self) -> UUID:
        try:
            return (await self._client.read_deployment_by_name(DEPLOYMENT)).id
        except ObjectNotFound:
            raise JobNotStarted(f"{self._where} has no deployment {DEPLOYMENT}: run `make deploy`") from None

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        async def asked() -> T:
            with _in_words(self._where):
                return await ask()

        return await ask_until_reachable(asked)


@asynccontextmanager
async def open_jobs() -> AsyncIterator[Jobs]:
    """The jobs of the server that PREFECT_API_URL or the profile names.

    Raises:
        NoServer: none is named, or it refused, which a retry does not change.
        Unreachable: it does not answer.
    """
    async with AsyncExitStack() as stack:
        # One owner per retry: Prefect's own would wait for a minute in silence.
        stack.enter_context(temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}))

        async def opened() -> PrefectClient:
            with _in_words("PREFECT_API_URL"):
                return await stack.enter_async_context(prefect_server())

        yield Jobs(await ask_until_reachable(opened))


@contextmanager
def _in_words(where: str) -> Iterator[None]:
    """Convert errors of Prefect's client to `Unavailable`, if a retry may help, else to the reason of the refusal."""
    try:
        yield
    except NoServer as error:
        if _is_passing(error.__cause__):
            raise Unavailable(str(error)) from error
        raise
    except httpx.HTTPStatusError as error:
        why = refusal(error.response)
        if _is_passing(error):
            raise Unavailable(f"the Prefect server at {where} answered {error.response.status_code}: {why}") from error
        raise JobNotStarted(why) from error
    except httpx.RequestError as error:
        raise Unavailable(f"the Prefect server at {where} does not answer: {type(error).__name__}: {error}") from error
    except JobNotStarted:
        raise
    except ValueError as error:  # its JSON, or what it means
        raise JobNotStarted(
            f"what answers at {where} is not Prefect's API: a proxy's log-in page, or an address without its /api?"
        ) from error


def _is_passing(error: BaseException | None) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        status = error.response.status_code
        return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in PASSING
    return isinstance(error, httpx.TransportError)
