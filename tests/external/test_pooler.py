"""A pooler in transaction mode between the ledger and its users: PgBouncer, as Debian ships it."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import chown
from tempfile import TemporaryDirectory

import pytest
from exactly_once import assert_exactly_once
from external_tools import tool
from ledger_jobs import order, run_job
from waiting import block_until
from world import Clock, world_on

from storage.ledger import open_ledger

JOBS = 30
CONFIG = """
[databases]
* = host={server} user=postgres
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


@contextmanager
def pooler(server: str, folder: Path) -> Iterator[None]:
    """Run PgBouncer with its socket in *folder* before the PostgreSQL whose socket is in *server*."""
    config = folder / "pgbouncer.ini"
    config.write_text(CONFIG.format(server=server, folder=folder), encoding="utf-8")
    owner = Path(server).owner()  # if that is another, we are root, which PgBouncer refuses to run as
    for path in (folder, config):
        chown(path, owner)
    with subprocess.Popen([tool("pgbouncer"), "-q", str(config)], user=owner, cwd="/") as process:
        try:
            block_until((folder / ".s.PGSQL.6432").exists)
            yield
        finally:
            process.terminate()


@pytest.mark.parametrize("database", ["postgresql"])
async def test_thirty_jobs_at_once_behind_two_connections_have_each_outcome_once(fresh_url: str, clock: Clock) -> None:
    direct, _, server = fresh_url.partition("?host=")
    with TemporaryDirectory(prefix="reportback-", dir="/tmp") as folder, pooler(server, Path(folder)):
        async with (
            open_ledger(f"{direct}?host={folder}&port=6432") as ledger,
            world_on(replace(ledger, clock=clock.of_ledger), clock) as world,
        ):
            contexts = [f"docs/{number}" for number in range(JOBS)]
            await asyncio.gather(*(run_job(world.ledger, order(context)) for context in contexts))
            await asyncio.gather(*(world.deliver(context) for context in contexts))
            await assert_exactly_once(world)
            assert [world.held(context) for context in contexts] == [["success"]] * JOBS
