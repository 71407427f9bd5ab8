"""Fixtures: ledgers that fail on demand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from failing import FullDisk, Locked, PostgreSQL
from relay import Relay, to_postgresql
from world import Clock

from storage.ledger import Ledger, open_ledger


@pytest.fixture
def ledger_url(fresh_url: str) -> str:
    """A ledger of the test's own: what is done to it here must not stay."""
    return fresh_url


@pytest.fixture
async def ledger(ledger_url: str, clock: Clock) -> AsyncIterator[Ledger]:
    """Opened anew by every test, which may change how."""
    async with open_ledger(ledger_url, clock=clock.of_ledger) as opened:
        yield opened


@pytest.fixture
def full_disk(ledger_url: str) -> FullDisk:
    return FullDisk(Path(ledger_url.removeprefix("sqlite:///")))


@pytest.fixture
def locked(ledger_url: str) -> Locked:
    return Locked(Path(ledger_url.removeprefix("sqlite:///")))


@pytest.fixture
def server(ledger_url: str) -> PostgreSQL:
    """The server of `ledger_url`; a test that stops it must start it again."""
    return PostgreSQL(ledger_url)


@pytest.fixture
async def relay(ledger_url: str, tmp_path: Path, clock: Clock) -> AsyncIterator[tuple[Ledger, Relay]]:
    """An opening of the ledger that leads through a relay."""
    async with to_postgresql(ledger_url, tmp_path) as (url, between), open_ledger(url, clock=clock.of_ledger) as ledger:
        yield ledger, between
