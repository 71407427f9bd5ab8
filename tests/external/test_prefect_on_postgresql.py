"""Prefect's server and the ledger on Debian's PostgreSQL. Where it is missing the test fails and names packages."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
from e2e_ledgers import make_ledger
from e2e_rig import PASSES, rig_in

from benchmarks.row_for_row import differences, rows_of, unsettled

PACKAGES = "apt-get install postgresql postgresql-contrib"
DEBIAN = Path("/usr/lib/postgresql")
OWNER = "postgres" if os.geteuid() == 0 else None
"""The user who runs the server, which root may not. None: the current user."""


def tool(name: str) -> str:
    newest = max(DEBIAN.glob(f"*/bin/{name}"), default=None)
    found = newest or shutil.which(name)
    assert found, f"{name} is missing: {PACKAGES}"
    return str(found)


@contextmanager
def cluster() -> Iterator[str]:
    """The folder with the socket of a PostgreSQL of its own, gone on leaving."""
    folder = Path(mkdtemp(prefix="reportback-", dir="/tmp"))  # a socket's path is short, and others get there
    if OWNER:
        shutil.chown(folder, OWNER, OWNER)
    data = ("--pgdata", str(folder / "data"))
    log, listen = str(folder / "log"), f"-h '' -k {folder}"
    try:
        _run(tool("initdb"), *data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
        _run(tool("pg_ctl"), *data, "--wait", "--log", log, "--options", listen, "start")
        try:
            yield str(folder)
        finally:
            _run(tool("pg_ctl"), *data, "--wait", "--mode=fast", "stop")
    finally:
        shutil.rmtree(folder)


def _run(*command: str) -> None:
    groups: list[str] | None = [] if OWNER else None
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd="/", user=OWNER, group=OWNER, extra_groups=groups
    )
    assert done.returncode == 0, done.stdout + done.stderr


def have_databases(folder: str, *names: str) -> None:
    """Make databases, each with an owner of its own, as docs/deploy.md says."""
    with psycopg.connect(f"postgresql://postgres:@/postgres?host={folder}", autocommit=True) as connection:
        shipped = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchone()
        assert shipped, f"pg_trgm is missing: {PACKAGES}"
        for name in names:
            connection.execute(f"CREATE ROLE {name} LOGIN")
            connection.execute(f"CREATE DATABASE {name} OWNER {name}")


@pytest.mark.timeout(400)
async def test_server_and_ledger_are_at_home_on_debians_postgresql(tmp_path: Path) -> None:
    with cluster() as folder:
        have_databases(folder, "prefect", "reportback")
        ledger_url = f"postgresql://reportback:@/reportback?host={folder}"
        server_url = f"postgresql+asyncpg://prefect:@/prefect?host={folder}"
        make_ledger(ledger_url)
        async with rig_in(tmp_path, tmp_path, ledger_url=ledger_url, server_url=server_url) as rig:
            run = await rig.start("on-debian")
            await run.is_at_work()
            run.go()
            await run.shows("pending", "success", within=30)
            await run.is_over("COMPLETED", within=30)
            assert (await rig.outcome_of(PASSES, {})).type == "COMPLETED"
            rows = await rows_of(rig.ledger)
            assert unsettled(rows) == []
            assert differences(rows, await rig.github.statuses()) == []
