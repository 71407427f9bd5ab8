"""Engines of ledgers: what every connection to SQLite or PostgreSQL is told before its first transaction."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.away import is_of_its_connection
from storage.disks import NETWORK_DISKS, file_system

LOCK_WAIT = 30
"""Seconds a SQLite transaction waits for another one. They take milliseconds; this is for a machine that stalls."""

COMMAND_WAIT = 60
"""Seconds a statement may take on PostgreSQL: a connection that a firewall has forgotten would be waited for by the
kernel, for a quarter of an hour."""


class UnsoundLedger(ValueError):
    """The ledger named in REPORTBACK_DATABASE_URL cannot keep the promise; the message says why."""


def place_of(url: URL) -> str:
    """What a ledger's URL names, without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    port = f", port {url.port}" if url.port else ""
    return f"PostgreSQL database {url.database!r} on {url.host or url.query.get('host') or 'this machine'}{port}"


def make_engine(
    url: str, *, command_timeout: float | None = COMMAND_WAIT, given_as: str = "REPORTBACK_DATABASE_URL"
) -> AsyncEngine:
    """An engine for *url* whose every connection keeps a commit on disk before the request leaves.

    *command_timeout*: seconds that PostgreSQL may take for a statement; None: as long as it likes. *given_as*: what a
    refusal calls the URL.

    Raises:
        UnsoundLedger: see `open_ledger`.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:  # not quoted: it may hold a password
        raise UnsoundLedger(f"{given_as} is no URL; use sqlite:////… or postgresql://…") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed, given_as)
        case "postgresql":
            return _postgresql(parsed, command_timeout)
        case other:
            raise UnsoundLedger(f"{given_as}: {other} is no ledger; use sqlite:////… or postgresql://…")


def _sqlite(url: URL, given_as: str) -> AsyncEngine:
    path = Path(url.database or "")
    if not path.is_absolute():
        raise UnsoundLedger(
            f"{given_as}: {url.database!r} is relative, so each process would have a ledger of its own; "
            "give an absolute path, with four slashes: sqlite:////var/lib/reportback/ledger.db"
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnsoundLedger(f"{given_as}: the folder of {path} cannot be made: {error}") from error
    if (disk := file_system(path.parent)) in NETWORK_DISKS:
        raise UnsoundLedger(
            f"{given_as}: {path} is on a network disk ({disk}), where SQLite's locks do not hold; "
            "use a local disk, or PostgreSQL"
        )
    engine = create_async_engine(url.set(drivername="sqlite+aiosqlite"), connect_args={"timeout": LOCK_WAIT})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "handle_error", _give_up)
    event.listen(engine.sync_engine.pool, "invalidate", _roll_back)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401  # the driver's, behind SQLAlchemy's adapter
    connection.isolation_level = None  # this module says BEGIN itself
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA synchronous")
    if cursor.fetchone()[0] != 2:  # noqa: PLR2004  # SQLite's number for FULL
        raise UnsoundLedger(
            "SQLite does not accept synchronous=FULL here: a commit could be lost after its request left"
        )
    cursor.close()


def _roll_back(connection: Any, _: object, __: object) -> None:  # noqa: ANN401  # the driver's, behind SQLAlchemy's adapter
    # A cancelled statement closes its connection. If its cursor still lives, in a traceback for one, SQLite keeps what
    # is closed, lock and all: whoever writes next, such as the end of a cancelled job, would find the ledger locked.
    with suppress(Exception):  # broken, or closed already
        connection.rollback()


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once with SQLITE_BUSY_SNAPSHOT, whatever the timeout.
    reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql(url: URL, command_timeout: float | None) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_pre_ping=True,
        connect_args={
            "command_timeout": command_timeout,
            "server_settings": {"synchronous_commit": "on", "application_name": "reportback"},
        },
    )
    event.listen(engine.sync_engine, "handle_error", _give_up)
    return engine


def _give_up(context: ExceptionContext) -> None:
    """Have the pool close a connection that may go on failing, and all that are as old."""
    error = context.sqlalchemy_exception or context.original_exception
    if isinstance(error, Exception) and is_of_its_connection(error):
        context.is_disconnect = True
