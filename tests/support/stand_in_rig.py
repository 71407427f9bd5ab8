"""Shared by the tests of the stand-in: a clock moved by hand, clients, and commits."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from waiting import LONGEST

from fake_github.app import FakeGitHub
from fake_github.exchange import Json
from fake_github.in_process import InProcessTransport
from fake_github.process import StandIn

BEFORE_AND_AFTER = pytest.mark.parametrize(("where", "stored"), [("before", 0), ("after", 1)])
_numbers = itertools.count(1)


class SteppedTime:
    """A clock that moves only when the test or a sleep advances it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


def in_process_client(github: FakeGitHub) -> httpx.AsyncClient:
    return client_of("https://api.github.test", InProcessTransport(github))


def client_of(url: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    headers = {"authorization": "Bearer token", "user-agent": "tests"}
    return httpx.AsyncClient(base_url=url, transport=transport, headers=headers, trust_env=False, timeout=LONGEST)


class Commit:
    """A commit that no other test uses."""

    def __init__(self, client: httpx.AsyncClient, stand_in: StandIn) -> None:
        self.client = client
        self.stand_in = stand_in
        self.sha = f"{next(_numbers):040x}"
        self.path = f"/repos/octo/docs/statuses/{self.sha}"

    async def post(self, context: str = "docs/build", **options: float) -> httpx.Response:
        body = {"state": "success", "context": context}
        return await self.client.post(self.path, json=body, **options)  # type: ignore[arg-type] # only a timeout

    async def read(self) -> int:
        return len((await self.client.get(f"/repos/octo/docs/commits/{self.sha}/statuses")).json())

    async def held(self) -> int:
        return sum(status["sha"] == self.sha for status in await self.stand_in.statuses())

    async def holds_one(self) -> bool:
        return await self.held() == 1

    async def has_come(self) -> bool:
        return any(request["path"] == self.path for request in await self.stand_in.requests())

    async def seen(self) -> Json:
        """Its only request."""
        (seen,) = [one for one in await self.stand_in.requests() if one["path"] == self.path]
        return seen

    @staticmethod
    def stored_after(seen: Json) -> float:
        """Seconds by the stand-in's clock between a request and the storing of its status."""
        came, stored = (datetime.fromisoformat(str(seen[name])) for name in ("at", "stored_at"))
        return (stored - came).total_seconds()
