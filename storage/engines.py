"""Makes database engines for SQLite and PostgreSQL ledgers, and configures every connection."""

import os
from collections.abc import Collection
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError

from domain.text import one_line
from storage.local_disk import SharedDisk, check_disk
from storage.unavailable import is_of_its_connection

if TYPE_CHECKING:
    from psycopg.abc import PQGen

LOCK_WAIT = 30
"""Seconds a SQLite transaction waits for another one. Transactions take milliseconds; this covers stalled machines."""

CONNECT_WAIT = 4
"""Timeout, in seconds, for connecting to PostgreSQL."""

STATEMENT_WAIT = 15
"""Seconds a statement may take on PostgreSQL, by the server's clock and by ours: a server that vanished says nothing,
and the kernel would wait for it for a quarter of an hour."""

IDLE_WAIT = 5.0
"""Seconds that PostgreSQL lets a transaction idle. Transactions contain only statements, so an idle one belongs to a
host that froze or vanished: the server rolls it back and frees its locks long before a lease of 30 s has passed."""

ROW_WAIT = 10
"""Seconds a statement waits for a lock on PostgreSQL: longer than the transaction that holds it may idle."""

LINES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
"""Lets both ends detect that the other host vanished after 25 s instead of the kernel's default of two hours.
https://www.postgresql.org/docs/current/runtime-config-connection.html#RUNTIME-CONFIG-TCP-SETTINGS"""

POOL = 8
"""Most connections of one process: transactions take milliseconds."""

T = TypeVar("T")


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
) -> Engine:
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
            return _postgresql(parsed, given_as, takes_long=takes_long)
        case other:
            raise UnsoundLedger(f"{given_as}: {other} is no ledger; use sqlite:////… or postgresql://…")


def _sqlite(url: URL, local: Collection[str], given_as: str) -> Engine:
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
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"), pool_size=POOL, max_overflow=0, connect_args={"timeout": LOCK_WAIT}
    )
    event.listen(engine, "do_connect", lambda *_: create_closed(path))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", _give_up)
    event.listen(engine.pool, "invalidate", _roll_back)
    return engine


def create_closed(path: Path) -> None:
    """Create the file at *path*, if there is none, for its user alone.

    SQLite would create it, and its journals, which get the same rights, readable by others as umask allows.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


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
    # A connection that is given up is closed. If its cursor is still referenced, for example by a traceback, SQLite
    # keeps the closed connection's lock: the next writer would wait for it.
    with suppress(Exception):  # broken, or closed already
        connection.rollback()


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once with SQLITE_BUSY_SNAPSHOT, whatever the timeout.
    reads = connection.get_execution_options().get("only_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _postgresql(url: URL, given_as: str, *, takes_long: bool) -> Engine:
    import psycopg  # noqa: PLC0415  # slow to import, and not needed for SQLite
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415

    try:
        make_conninfo(**url.query)  # type: ignore[arg-type]  # libpq judges them
    except psycopg.ProgrammingError as error:  # names the parameter, without its value
        raise UnsoundLedger(
            f"{given_as}: {one_line(str(error))}; see docs/deploy.md for what PostgreSQL's URLs take"
        ) from None
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        isolation_level="READ COMMITTED",  # which the statements assume, whatever the server's default is
        pool_pre_ping=True,
        pool_size=POOL,
        max_overflow=0,
        connect_args={
            "connect_timeout": CONNECT_WAIT,
            "application_name": "reportback",
            "client_encoding": "utf8",
            "prepare_threshold": None,  # a pooler gives each transaction another connection of the server's
            "tcp_user_timeout": STATEMENT_WAIT * 1000,
            **LINES,
        },
    )
    event.listen(engine, "begin", partial(_set, _settings(takes_long=takes_long)))
    event.listen(engine, "handle_error", _give_up)
    if not takes_long:
        event.listen(engine, "do_connect", _connect)
    return engine


def _settings(*, takes_long: bool) -> str:
    """A statement with the settings of one transaction: of a session they would be another's behind a pooler."""
    waits = {
        "idle_in_transaction_session_timeout": IDLE_WAIT,
        "lock_timeout": ROW_WAIT,
        "statement_timeout": STATEMENT_WAIT,
        "tcp_user_timeout": STATEMENT_WAIT,
    }
    named = {
        "synchronous_commit": "on",
        "datestyle": "ISO",  # which psycopg reads, whatever the server's default is
        **{f"tcp_{name}": value for name, value in LINES.items()},
        **{name: 0 if takes_long else f"{wait}s" for name, wait in waits.items()},
    }
    return "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in named.items())


def _set(settings: str, connection: Connection) -> None:
    connection.exec_driver_sql(settings)


@cache
def _bounded() -> Any:  # noqa: ANN401  # a class that is made here
    """The class of connections that close when a statement takes too long, also if their server has vanished."""
    import psycopg  # noqa: PLC0415  # slow to import, and not needed for SQLite

    class BoundedConnection(psycopg.Connection[Any]):
        def wait(self, gen: "PQGen[T]", interval: float = 0.1, timeout: float | None = None) -> T:
            """Wait for the server as psycopg does. Raises OperationalError after `STATEMENT_WAIT`."""
            try:
                return super().wait(gen, interval, timeout or STATEMENT_WAIT)
            except psycopg.errors._WaitTimeout:  # noqa: SLF001  # psycopg gives it no public name
                self.close()
                raise

    return BoundedConnection


def _connect(_: object, __: object, positional: tuple[Any, ...], named: dict[str, Any]) -> object:
    return _bounded().connect(*positional, **named)


def _give_up(context: ExceptionContext) -> None:
    """Have the pool close a connection that may keep failing, and all that are as old."""
    error = context.sqlalchemy_exception or context.original_exception
    if isinstance(error, Exception) and is_of_its_connection(error):
        context.is_disconnect = True
