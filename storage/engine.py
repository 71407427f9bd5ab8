"""Open a ledger: SQLite on a local disk (the embedded default) or PostgreSQL; its transactions and its clock."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as _AnySession
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.news import Tell, nobody
from storage import news
from storage.away import LedgerIsAway, is_away, is_of_a_database
from storage.upgrade import NotUpgraded, is_current, upgrade_embedded

LOCK_WAIT = 30
"""Seconds a SQLite transaction waits for another one. They take milliseconds; this is for a machine that stalls."""

COMMAND_WAIT = 60
"""Seconds a statement may take on PostgreSQL: a connection that a firewall has forgotten would be waited for by the
kernel, for a quarter of an hour."""

NETWORK_DISKS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "glusterfs", "ceph", "lustre"})


READS: dict[str, dict[str, object]] = {
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "sqlite": {"only_reads": True},
}
"""What a connection is told of a transaction that only reads."""


class UnsoundLedger(ValueError):
    """The ledger named in REPORTBACK_DATABASE_URL cannot keep the promise; the message says why."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger. Times that two processes compare come from its `now`, never from elsewhere.

    `tell` hears what each transaction did, once that is on disk.
    """

    engine: AsyncEngine
    sessions: Callable[[], _AnySession]
    clock: Callable[[AsyncSession], Awaitable[datetime]]
    tell: Tell = field(default=nobody, kw_only=True)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: on disk when the block ends, gone as a whole when it raises.

        Raises:
            LedgerIsAway: it is locked, full, stopped or out of reach.
        """
        async with self._begun({}) as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One transaction that reads: all of one moment, and neither it nor a writer waits for the other.

        Raises:
            LedgerIsAway: as `transaction`.
        """
        async with self._begun(READS[self.engine.dialect.name]) as session:
            yield session

    @asynccontextmanager
    async def _begun(self, options: Mapping[str, object]) -> AsyncIterator[AsyncSession]:
        try:
            async with self.sessions() as session:
                async with session.begin():
                    if options:  # asked for at once, else with the first statement
                        await session.connection(execution_options=options)
                    yield session  # type: ignore[misc]  # the session maker is typed by SQLAlchemy, made with SQLModel's class
                    told = await news.gathered(session) if self.tell is not nobody else []  # type: ignore[arg-type]  # the same
                for one in told:
                    self.tell(one)
        except Exception as error:
            if is_away(error):
                raise LedgerIsAway(error) from error
            raise

    @property
    def place(self) -> str:
        """Where it is, without user and password."""
        return place_of(self.engine.url)

    async def now(self) -> datetime:
        """The ledger's time, UTC."""
        async with self.transaction() as session:
            return await self.clock(session)


async def _postgresql_now(session: AsyncSession) -> datetime:
    now: datetime = (await session.exec(select(func.clock_timestamp()))).scalar_one()  # type: ignore[call-overload]  # exec is typed for SQLModel's select
    return now.astimezone(UTC)


async def _host_now(session: AsyncSession) -> datetime:
    await session.exec(select(1))  # type: ignore[call-overload]  # exec is typed for SQLModel's select; waits for the lock
    return datetime.now(UTC)


@asynccontextmanager
async def open_ledger(
    url: str, *, clock: Callable[[AsyncSession], Awaitable[datetime]] | None = None, tell: Tell = nobody
) -> AsyncIterator[Ledger]:
    """The ledger at *url*, ready to use. SQLite is made and upgraded here; PostgreSQL by `reportback db upgrade`.

    Args:
        url: `sqlite:////absolute/path` or `postgresql://user@host/name`.
        clock: replaces the ledger's clock.
        tell: hears what is committed.

    Raises:
        UnsoundLedger: the URL names no ledger that could keep the promise.
        NotUpgraded: a PostgreSQL ledger is not at this version's schema.
        LedgerIsAway: it cannot be opened now.
    """
    engine = make_engine(url)
    try:
        if not await _is_ready(engine):
            raise NotUpgraded
        own = _host_now if engine.dialect.name == "sqlite" else _postgresql_now
        sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
        yield Ledger(engine, sessions, clock or own, tell=tell)
    finally:
        await engine.dispose()


async def _is_ready(engine: AsyncEngine) -> bool:
    """Whether it is at this version's schema; SQLite is brought there."""
    try:
        if engine.dialect.name == "postgresql":
            return await is_current(engine)
        await upgrade_embedded(engine, Path(engine.url.database or ""))
    except Exception as error:
        if is_of_a_database(error):
            raise LedgerIsAway(error, f"the ledger cannot be opened, {place_of(engine.url)}") from error
        raise
    return True


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
    if (disk := _file_system(path.parent)) in NETWORK_DISKS:
        raise UnsoundLedger(
            f"{given_as}: {path} is on a network disk ({disk}), where SQLite's locks do not hold; "
            "use a local disk, or PostgreSQL"
        )
    engine = create_async_engine(url.set(drivername="sqlite+aiosqlite"), connect_args={"timeout": LOCK_WAIT})
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin)
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
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        pool_pre_ping=True,
        connect_args={
            "command_timeout": command_timeout,
            "server_settings": {"synchronous_commit": "on", "application_name": "reportback"},
        },
    )


def _file_system(folder: Path) -> str | None:
    """The type of the file system that holds *folder*; None where the kernel does not tell."""
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    real = folder.resolve()
    mounts = [(Path(fields[1]), fields[2]) for fields in map(str.split, lines) if len(fields) > 2]  # noqa: PLR2004  # device, point, type
    holding = [(point, kind) for point, kind in mounts if real.is_relative_to(point)]
    return max(holding, key=lambda mount: len(mount[0].parts))[1] if holding else None


__all__ = ["AsyncConnection", "Ledger", "LedgerIsAway", "NotUpgraded", "UnsoundLedger", "make_engine", "open_ledger"]
