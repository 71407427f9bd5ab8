"""What the demo and the tests ask of a Prefect server, over its REST API: start a flow run, see what became of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx

TRIES = 20
REST = timedelta(seconds=0.5)
OVER = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


class Refused(ValueError):
    """Prefect did not make a flow run of it; the message is its own."""


@dataclass(frozen=True, slots=True)
class RunState:
    """The state of a flow run. `type` is one of Prefect's, such as COMPLETED."""

    type: str
    name: str
    message: str | None

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end."""
        return self.type in OVER


class PrefectApi:
    """The API of one server. A server on SQLite answers 503 now and then, when its database is locked: asked again."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """*client* has the API's address as its base."""
        self._client = client

    async def start(self, deployment: str, parameters: Mapping[str, Any]) -> str:
        """The id of a new flow run of *deployment* ("flow/deployment").

        Raises:
            Refused: no such deployment, or the parameters are not what its form allows.
        """
        found = await self._ask("GET", f"/deployments/name/{deployment}")
        if found.is_client_error:
            raise Refused(f"{deployment}: {found.json()['detail']}")
        asked = {"parameters": dict(parameters), "idempotency_key": uuid4().hex}
        made = await self._ask("POST", f"/deployments/{found.json()['id']}/create_flow_run", asked)
        if made.is_client_error:
            raise Refused(made.json()["detail"])
        return str(made.json()["id"])

    async def state(self, run_id: str) -> RunState:
        """The state of a flow run."""
        state = (await self._ask("GET", f"/flow_runs/{run_id}")).raise_for_status().json()["state"]
        return RunState(state["type"], state["name"], state["message"])

    async def until_over(self, run_id: str) -> RunState:
        """The state in which a flow run ended. Waits for as long as that takes."""
        while not (state := await self.state(run_id)).is_over:  # noqa: ASYNC110  # another process ends it
            await asyncio.sleep(REST.total_seconds())
        return state

    async def _ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        for _ in range(TRIES):
            response = await self._client.request(method, path, json=body)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(REST.total_seconds())
        return response if response.is_client_error else response.raise_for_status()


@asynccontextmanager
async def prefect_api(api_url: str) -> AsyncIterator[PrefectApi]:
    """The server at *api_url*."""
    async with httpx.AsyncClient(base_url=api_url, trust_env=False, timeout=30) as client:
        yield PrefectApi(client)
