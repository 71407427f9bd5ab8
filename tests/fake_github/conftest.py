"""Stand-ins: one on a real socket, for tests whose event loop is their module's, and one in this process."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from stand_in_rig import Commit, SteppedTime, client_of, in_process_client

from fake_github.app import FakeGitHub
from fake_github.process import StandIn, running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stand_in() -> AsyncIterator[StandIn]:
    """One for all tests of a module: each uses a commit of its own."""
    async with running() as stand_in:
        yield stand_in


@pytest_asyncio.fixture(loop_scope="module")
async def commit(stand_in: StandIn) -> AsyncIterator[Commit]:
    async with client_of(stand_in.url) as client:
        yield Commit(client, stand_in)
    await stand_in.clear()


@pytest.fixture
def time() -> SteppedTime:
    return SteppedTime()


@pytest.fixture
def github(time: SteppedTime) -> FakeGitHub:
    return FakeGitHub(clock=time, sleep=time.sleep)


@pytest.fixture
async def client(github: FakeGitHub) -> AsyncIterator[httpx.AsyncClient]:
    async with in_process_client(github) as client:
        yield client
