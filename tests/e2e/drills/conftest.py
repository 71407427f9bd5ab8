"""The installation of the drills. Each failure has a repository of its own, or a credential where it needs one."""

import json
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from drilling import DRILLS, table
from e2e_rig import Rig, rig_in
from real_processes import ROOT, adopt_orphans

LOGS = ROOT / "build" / "e2e"
REVOKED = "a-token-that-was-revoked"
CREDENTIALS = {"acme/revoked": "env:REVOKED_TOKEN", "acme/limited": "env:LIMITED_TOKEN"}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    """The installation."""
    adopt_orphans()
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    more = {
        "REPORTBACK_CREDENTIALS": json.dumps({**CREDENTIALS, "*": "env:REPORTBACK_GITHUB_TOKEN"}),
        "REVOKED_TOKEN": REVOKED,
        "LIMITED_TOKEN": "a-token-that-is-limited",
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),
    }
    async with rig_in(tmp_path_factory.mktemp("drills"), LOGS, more=more, github=("--bad-token", REVOKED)) as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not DRILLS:  # `make e2e` finds this file, and runs none
        return
    terminalreporter.write_line("")
    for line in table():
        terminalreporter.write_line(line)
