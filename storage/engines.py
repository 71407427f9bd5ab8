"""Makes database engines for SQLite and PostgreSQL ledgers, and configures every connection."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from domain.delivery.policy import MOST_SENDERS
from storage.local_disk import SharedDisk, check_disk
from storage.unavailable import is_of_its_connection

LOCK_WAIT = 30
"""Seconds a SQLite transaction waits for another one. Transactions take milliseconds; this covers stalled machines."""

CONNECT_WAIT = 10
"""Timeout, in seconds, for connecting to PostgreSQL."""

COMMAND_WAIT = 60
"""Seconds a statement may take on PostgreSQL: on a connection dropped by a firewall the kernel would wait for a quarter
of an hour."""

IDLE_WAIT = 5.0
"""Seconds that PostgreSQL lets a transaction idle. Transactions contain only statements, so an idle one belongs to a
host that froze or vanished: the server rolls it back and frees its locks long before a lease of 30 s has passed."""

ROW_WAIT = 10
"""Seconds a statement waits for a lock on PostgreSQL: longer than the transaction that holds it may idle."""

LINES = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""Lets PostgreSQL detect a vanished host after 25 s instead of the kernel's default of two hours.
https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP-SETTINGS"""

UNSENT_WAIT = 20
"""Seconds after which PostgreSQL gives up a connection whose host does not acknowledge what was sent."""

POOL = MOST_SENDERS + 8
"""Most connections of one process: one for each sender, and some for other tasks."""


class UnsoundLedger(ValueError):
    """The ledger named in REPORTBACK_DATABASE_URL cannot keep the promise; the message says why."""


def place_of(url: URL) -> str:
    """The database that *url* names, for messages: without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    port = f", port {url.port}" if url.port else ""
    return f"PostgreSQL database {url.database!r} on {url.host or url.query.get('host') or 'this machine'}{port}"


def make_engine(
    url: str,
    *,
    local: Collection[str] = (),
    takes_long: bool = False,
    given_as: str = "REPORTBACK_DATABASE_URL",
) -> AsyncEngine:
    """An engine for *url* on whose connections a commit is durable before it returns.

    *local*: see `check_disk`. *takes_long*: without timeouts, as a migration or a move needs it. *given_as*: how error
    messages name the URL.

    Raises:
        UnsoundLedger: see `open_ledger`.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # not quoted: it may hold a password
        raise UnsoundLedger(f"{given_as} is no URL; use sqlite:////… or postgresql://…") from None
    match parsed.get_backend_name():
        case "sqlite":
            return _sqlite(parsed, local, given_as)
        case "postgresql":
            return _postgresql(parsed, takes_long=takes_long)
        case other:
            raise UnsoundLedger(f"{given_as}: {other} is no ledger; use sqlite:////… or postgresql://…")


def _sqlite(url: URL, local: Collection[str], given_as: str) -> AsyncEngine:
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
    try:
        check_disk(path, local=local)
    except SharedDisk as error:
        raise UnsoundLedger(f"{given_as}: {error}") from None
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"), pool_size=POOL, max_overflow=0, connect_args={"timeout": LOCK_WAIT}
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin)
    event.listen(engine.sync_engine, "handle_error", _give_up)
    event.listen(engine.sync_engine.pool, "invalidate", _roll_back)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:  # noqa: ANN401  # the driver's, behind SQLAlchemy's adapter
    connection.isolation_level = None  # `_begin` issues BEGIN
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
    # A cancelled statement closes its connection. If its cursor is still referenced, for example by a traceback, SQLite
    # keeps the closed connection's lock: the next writer, such as the end of a cancelled job, would wait for it.
    with suppress(Exception):  # broken, or closed already
        connection.rollback()


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once with SQLITE_BUSY_SNAPSHOT, whatever the timeout.
    reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql(url: URL, *, takes_long: bool) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        isolation_level="READ COMMITTED",  # which the statements assume, whatever the server's default is
        pool_pre_ping=True,
        pool_size=POOL,
        max_overflow=0,
        connect_args={
            "timeout": CONNECT_WAIT,
            "command_timeout": None if takes_long else COMMAND_WAIT,
            "server_settings": {
                "synchronous_commit": "on",
                "application_name": "reportback",
                "plan_cache_mode": "force_custom_plan",  # a generic one, without values, uses no partial index
                "idle_in_transaction_session_timeout": "0" if takes_long else f"{IDLE_WAIT}s",
                "lock_timeout": "0" if takes_long else f"{ROW_WAIT}s",
                "tcp_user_timeout": f"{UNSENT_WAIT}s",
                **LINES,
            },
        },
    )
    event.listen(engine.sync_engine, "handle_error", _give_up)
    return engine


def _give_up(context: ExceptionContext) -> None:
    """Have the pool close a connection that may keep failing, and all that are as old."""
    error = context.sqlalchemy_exception or context.original_exception
    if isinstance(error, Exception) and is_of_its_connection(error):
        context.is_disconnect = True
