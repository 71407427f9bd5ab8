"""Upgrades a ledger to this version's schema, and refuses newer or moved ledgers."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from storage import moved_marker
from storage.engines import LOCK_WAIT, create_closed

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"
REVISIONS = sorted(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*_*.py"))
"""All revisions of the schema, in order: their files begin with them. So Alembic, slow to import, only upgrades."""

ADVISORY_LOCK = 0x7265706F7274  # "report": serializes upgrades of one PostgreSQL ledger


class NotUpgraded(RuntimeError):
    """The ledger's schema is not this version's."""

    def __init__(self, words: str = "is not at this version's schema; run: reportback db upgrade") -> None:
        super().__init__(f"the ledger in REPORTBACK_DATABASE_URL {words}")


class NewerLedger(NotUpgraded):
    """A newer version has upgraded the ledger."""

    def __init__(self) -> None:
        super().__init__("was upgraded by a newer version than this, and no schema goes back: run the newer version")


class MovedLedger(NotUpgraded):
    """The ledger was moved elsewhere; this copy is no longer updated."""

    def __init__(self, place: str) -> None:
        super().__init__(f"was moved to {place}: name that one")


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415  # see `REVISIONS`

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def is_current_within(connection: Connection) -> bool:
    """`is_current`, in the transaction of *connection*."""
    revision = _revision(connection)
    if revision == moved_marker.REVISION:
        raise MovedLedger(moved_marker.place(connection))
    if revision not in (None, *REVISIONS):
        raise NewerLedger
    return revision == REVISIONS[-1]


def _revision(connection: Connection) -> str | None:
    """The revision of the schema, where Alembic keeps it; None: there is no schema yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalars(text("SELECT version_num FROM alembic_version")).one_or_none()


def is_current(engine: Engine) -> bool:
    """Whether the ledger is at this version's schema.

    Raises:
        NewerLedger: a newer version has upgraded it.
        MovedLedger: it was moved elsewhere.
    """
    with engine.execution_options(only_reads=True).connect() as connection:
        return is_current_within(connection)


def upgrade(engine: Engine) -> None:
    """Upgrade the ledger to this version's schema, in one transaction; idempotent.

    Raises:
        NewerLedger: a newer version has upgraded it.
        MovedLedger: it was moved elsewhere.
    """
    with engine.begin() as connection:
        upgrade_within(connection)


def upgrade_within(connection: Connection) -> None:
    """`upgrade`, in the transaction of *connection*."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
    if not is_current_within(connection):
        from alembic import command  # noqa: PLC0415  # see `REVISIONS`

        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def upgrade_embedded(engine: Engine, path: Path) -> None:
    """Create or upgrade the SQLite ledger at *path*. Of several processes at once one does, and the others wait.

    WAL is set each time: a ledger restored from a dump has lost it, and it cannot be set while other connections read.
    """
    with _only_one(path):
        create_closed(path)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # kept in the file; not possible within a transaction
        if not is_current(engine):
            upgrade(engine)


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Keep other processes from upgrading. Raises BlockingIOError if one does so for longer than `LOCK_WAIT`."""
    lock_file = path.with_name(path.name + ".upgrade-lock")
    create_closed(lock_file)
    with lock_file.open("w") as lock:
        until = monotonic() + LOCK_WAIT
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if monotonic() > until:
                    raise
                sleep(0.05)
        yield
