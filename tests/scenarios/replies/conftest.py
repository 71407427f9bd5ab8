"""A stand-in GitHub in a process of its own, shared by all tests: each uses commits of its own."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from processes import ROOT
from scaled import Wire, wire_to
from waiting import LONGEST

from fake_github.process import StandIn


@pytest.fixture(scope="session")
def stand_in_url() -> Iterator[str]:
    arguments = ("-m", "fake_github", "--die-with-parent", str(os.getpid()))
    with subprocess.Popen((sys.executable, *arguments), cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip().removeprefix("stand-in GitHub on ")
        finally:
            process.terminate()


@pytest.fixture
async def wire(stand_in_url: str, ledger_url: str) -> AsyncIterator[Wire]:
    """Senders on real sockets to the stand-in, from a fresh ledger, without faults."""
    async with httpx.AsyncClient(base_url=f"{stand_in_url}/_stand_in/", trust_env=False, timeout=LONGEST) as client:
        stand_in = StandIn(stand_in_url, 0, client)
        await stand_in.clear()
        async with wire_to(stand_in, ledger_url) as made:
            yield made
