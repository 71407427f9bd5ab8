"""The fixture `world` of this folder: its reporter is a GitHub App."""

from collections.abc import AsyncIterator

import pytest
from app_senders import world_with_app
from world import Clock, World

from fake_github.surfaces.surface import Rules
from storage.ledger import Ledger


@pytest.fixture
async def world(ledger: Ledger, clock: Clock) -> AsyncIterator[World]:
    async with world_with_app(ledger, clock, rules=Rules(renamed={"acme/site": "acme/new-site"})) as made:
        made.github._github.rules = Rules()
        yield made
