"""Fixtures: a client of GitHub, and a network that answers for it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import respx
from described import API, NOW

from github_api.commit_statuses import CommitStatuses


@pytest.fixture
async def github() -> AsyncIterator[CommitStatuses]:
    async with CommitStatuses(API, timedelta(seconds=5), lambda: NOW) as client:
        yield client


@pytest.fixture
def net() -> respx.MockRouter:
    return respx.mock(assert_all_called=False)
