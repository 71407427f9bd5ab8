"""Fixtures: a shell, the ledger it opens, and a stand-in GitHub that answers it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from shell import TOKEN, Shell
from world import Clock, World, world_on

from fake_github.process import StandIn, running
from github_api.credentials import DEFAULT_CREDENTIAL
from storage.ledger import open_ledger


@pytest.fixture
def database() -> str:
    """The statements themselves are tested on both, in tests/storage."""
    return "sqlite"


@pytest.fixture
def clock() -> Clock:
    """A while ago: the commands' own ledgers have the real time."""
    return Clock(datetime.now(UTC) - timedelta(hours=2))


@pytest.fixture
def shell(ledger_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Wide, with one token; neither Prefect nor GitHub can be reached."""
    for name, value in {
        "COLUMNS": "250",
        "LOGNAME": "ada",
        "PREFECT_API_URL": "http://127.0.0.1:9/api",
        "REPORTBACK_DATABASE_URL": ledger_url,
        "REPORTBACK_GITHUB_API_URL": "http://127.0.0.1:9",
        "REPORTBACK_GITHUB_TOKEN": TOKEN,
        "REPORTBACK_WRITE_BUDGET": "off",
    }.items():
        monkeypatch.setenv(name, value)
    return Shell(capsys)


@pytest.fixture
async def world(ledger_url: str, clock: Clock) -> AsyncIterator[World]:
    async with open_ledger(ledger_url, clock=clock.of_ledger) as ledger, world_on(ledger, clock) as made:
        made.tokens[DEFAULT_CREDENTIAL] = TOKEN
        yield made


@pytest.fixture
async def stand_in(
    shell: Shell,  # noqa: ARG001  # its settings come first
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[StandIn]:
    """The GitHub that the shell's settings name."""
    async with running() as made:
        monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", made.url)
        yield made
