"""Fixtures for check runs: `world`, whose jobs report as them."""

from collections.abc import AsyncIterator

import pytest
from check_worlds import world_of_check_runs
from world import Clock, World

from storage.ledger import Ledger


@pytest.fixture
async def world(ledger: Ledger, clock: Clock) -> AsyncIterator[World]:
    async with world_of_check_runs(ledger, clock) as made:
        yield made
