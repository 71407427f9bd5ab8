"""A world whose ledger has a clock that can be wrong."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from timed_host import POLICY, WrongClock
from world import Clock, World, world_on

from storage.ledger import Ledger


@pytest.fixture
def wrong(clock: Clock) -> WrongClock:
    return WrongClock(clock)


@pytest.fixture
async def world(ledger: Ledger, wrong: WrongClock) -> AsyncIterator[World]:
    its = replace(ledger, clock=wrong.of_ledger)
    async with world_on(its, wrong.true, policy=POLICY, now=wrong.now) as made:
        yield made
