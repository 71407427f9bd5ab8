"""Shared by the tests of the stand-in: a clock moved by hand, and clients."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
from waiting import LONGEST

from fake_github.app import FakeGitHub
from fake_github.in_process import InProcessTransport


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
