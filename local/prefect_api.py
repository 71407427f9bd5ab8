"""A client of Prefect's REST API for the demo and tests: starts flow runs, and reads their state."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from prefect.client.base import PrefectHttpxAsyncClient
from prefect.exceptions import PrefectHTTPStatusError

from local.stack import basic

POLL_EVERY = timedelta(seconds=0.5)
JSON = {"Content-Type": "application/json"}
OVER = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


class Refused(ValueError):
    """Prefect refused the request; the message is Prefect's."""


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a flow run. `type` is one of Prefect's, such as COMPLETED."""

    type: str
    name: str
    message: str | None

    @property
    def is_over(self) -> bool:
        """Whether the flow run has ended."""
        return self.type in OVER


class PrefectApi:
    """The API of one server. Prefect's client retries after a 503 or without an answer, and fetches CSRF tokens."""

    def __init__(self, client: PrefectHttpxAsyncClient) -> None:
        """*client* has the API's address as its base."""
        self._client = client
        self._first = asyncio.Lock()

    async def start(
        self,
        deployment: str,
        parameters: Mapping[str, Any],
        *,
        queue: str | None = None,
        at: datetime | None = None,
    ) -> str:
        """The id of a new flow run of *deployment* ("flow/deployment"), to start now, or *at* a time.

        *queue* is the work queue it is offered in, if not the deployment's own.

        Raises:
            Refused: no such deployment, or the parameters are not what its form allows.
        """
        found = await self._ask("GET", f"/deployments/name/{deployment}")
        asked: dict[str, Any] = {"parameters": dict(parameters), "idempotency_key": uuid4().hex}
        if queue is not None:
            asked["work_queue_name"] = queue
        if at is not None:
            asked["state"] = {"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}
        return str((await self._ask("POST", f"/deployments/{found['id']}/create_flow_run", asked))["id"])

    async def state(self, run_id: str) -> RunState:
        """The state of a flow run."""
        state = (await self._ask("GET", f"/flow_runs/{run_id}"))["state"]
        return RunState(state["type"], state["name"], state["message"])

    async def set_state(self, run_id: str, type_: str, name: str | None = None) -> None:
        """Set the state of a flow run, as Prefect's UI does: CANCELLING to cancel it, and so on.

        Raises:
            Refused: Prefect does not allow this change of state.
        """
        state = {"type": type_, "name": name or type_.title()}
        done = await self._ask("POST", f"/flow_runs/{run_id}/set_state", {"state": state})
        if done["status"] != "ACCEPT":
            raise Refused(f"{run_id} to {type_}: {done['status']} {done['details'].get('reason') or ''}".rstrip())

    async def retry(self, run_id: str) -> None:
        """Retry a flow run, like the Retry button of Prefect's UI.

        Raises:
            Refused: see `set_state`.
        """
        await self.set_state(run_id, "SCHEDULED", "AwaitingRetry")

    async def log(self, run_id: str) -> list[str]:
        """The latest 200 log lines of a flow run. The server stores them some seconds later."""
        asked = {"logs": {"flow_run_id": {"any_": [run_id]}}, "sort": "TIMESTAMP_DESC", "limit": 200}
        return [line["message"] for line in reversed(await self._ask("POST", "/logs/filter", asked))]

    async def runs(self, deployment: str, *states: str) -> list[str]:
        """The ids of at most 200 flow runs of *deployment* in one of the *states*, types of Prefect's."""
        name = deployment.rpartition("/")[2]
        asked = {
            "deployments": {"name": {"any_": [name]}},
            "flow_runs": {"state": {"type": {"any_": list(states)}}},
            "limit": 200,
        }
        return [run["id"] for run in await self._ask("POST", "/flow_runs/filter", asked)]

    async def name(self, run_id: str) -> str:
        """The name of a flow run."""
        return str((await self._ask("GET", f"/flow_runs/{run_id}"))["name"])

    async def until_over(self, run_id: str) -> RunState:
        """Wait, without limit, until a flow run has ended; returns its state."""
        while not (state := await self.state(run_id)).is_over:  # noqa: ASYNC110  # another process ends it
            await asyncio.sleep(POLL_EVERY.total_seconds())
        return state

    async def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # any JSON
        """The answer's JSON; *body* is sent in ASCII: a lone surrogate, as Prefect's UI would send it."""
        content = None if body is None else json.dumps(body)
        try:
            async with self._first if method != "GET" and self._needs_token else nullcontext():
                answer = await self._client.request(method, path, content=content, headers=JSON)
        except PrefectHTTPStatusError as error:
            if error.response.is_client_error:
                raise Refused(f"{path}: {error.response.json().get('detail')}") from error
            raise
        return answer.json()

    @property
    def _needs_token(self) -> bool:
        """Whether a change has yet to fetch a CSRF token. Changes at once would each, and make the others' invalid."""
        return self._client.enable_csrf_support and self._client.csrf_token is None


@asynccontextmanager
async def prefect_api(api_url: str, password: str | None = None) -> AsyncIterator[PrefectApi]:
    """The server at *api_url*, and its *password* as "user:password" if it asks for one."""
    async with PrefectHttpxAsyncClient(
        enable_csrf_support=True, base_url=api_url, trust_env=False, timeout=30, auth=basic(password)
    ) as client:
        yield PrefectApi(client)
