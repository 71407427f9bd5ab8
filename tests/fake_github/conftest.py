"""A stand-in on a real socket, for tests whose event loop is their module's."""

from collections.abc import AsyncIterator

import pytest_asyncio
from stand_in_rig import Commit, client_of

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
