"""Which database errors mean an unavailable ledger, their messages, and which callers retry."""

import sqlite3

import pytest
from failing import FullDisk, Locked, PostgreSQL
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from waiting import until

from storage import engines
from storage.ledger import Ledger, LedgerUnavailable, open_ledger
from storage.unavailable import is_unavailable

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])
SECRET = "geheim"


async def write(
    ledger: Ledger, statement: str = "INSERT INTO credential (name) VALUES (:name)", name: str = "x"
) -> None:
    with ledger.transaction() as tx:
        tx.session.connection().execute(text(statement), {"name": name})


@ON_SQLITE
async def test_a_full_disk_says_so_without_what_was_to_be_stored(ledger: Ledger, full_disk: FullDisk) -> None:
    await write(ledger)
    await full_disk.strike()
    try:
        with pytest.raises(LedgerUnavailable) as raised:
            await write(ledger, name=SECRET)
    finally:
        full_disk.mend()
    assert str(raised.value) == "the ledger is unavailable: disk I/O error"
    await write(ledger, name=SECRET)


@ON_SQLITE
async def test_a_lock_is_waited_for_and_one_that_lasts_says_so(
    ledger_url: str, locked: Locked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOCK_WAIT", 0.05)
    async with open_ledger(ledger_url) as ledger:
        await locked.strike()
        with pytest.raises(LedgerUnavailable, match=r"^the ledger is unavailable: database is locked$"):
            await write(ledger)
        locked.mend()
        await write(ledger)


@ON_POSTGRESQL
async def test_a_connection_that_was_ended_says_so(ledger: Ledger, server: PostgreSQL) -> None:
    words = r"^the ledger is unavailable: .*(terminating connection due to administrator command|closed)"
    with pytest.raises(LedgerUnavailable, match=words), ledger.transaction() as tx:  # noqa: PT012  # the block is the transaction
        tx.session.connection().execute(text("SELECT 1"))
        await server.strike()
        tx.session.connection().execute(text("SELECT 1"))
    await write(ledger)


@ON_POSTGRESQL
async def test_a_stopped_server_is_unavailable_and_a_restarted_one_is_used_at_once(
    ledger: Ledger, ledger_url: str, server: PostgreSQL
) -> None:
    await write(ledger)
    async with server.stopped():
        for _ in range(2):
            with pytest.raises(LedgerUnavailable):
                await write(ledger, name="y")
        with pytest.raises(LedgerUnavailable, match=r"cannot be opened, PostgreSQL database 'ledger_\w+' on /"):
            async with open_ledger(ledger_url):
                pass
    await write(ledger, name="y")


@ON_POSTGRESQL
@pytest.mark.parametrize(
    "code",
    [
        *("57P03", "53300", "53100", "40001", "40P01", "08006", "55P03", "58030"),  # it starts, is full, locked, broken
        *("25006", "55000", "3D000", "3F000", "28000", "28P01", "57014", "42501"),  # a failover, an operator at work
        *(
            "25P03",
            "57P05",
            "57P01",
            "XX000",
            "XX001",
            "0A000",
            "26000",
            "F0000",
        ),  # it hung up, is damaged, was changed
        *("42P01", "42703", "42P05"),  # another schema, a pooler
    ],
)
async def test_a_database_failure_is_unavailability(ledger: Ledger, code: str) -> None:
    with pytest.raises(LedgerUnavailable, match=r"^the ledger is unavailable: for a while"):
        await write(ledger, f"DO $$ BEGIN RAISE 'for a while' USING ERRCODE = '{code}'; END $$")


@ON_POSTGRESQL
@pytest.mark.parametrize("code", ["21000", "22003", "22021", "23505", "23514", "42601", "42883", "54000"])
async def test_a_programming_error_is_not_retried(ledger: Ledger, code: str) -> None:
    with pytest.raises(DBAPIError):
        await write(ledger, f"DO $$ BEGIN RAISE 'wrong' USING ERRCODE = '{code}'; END $$")


@pytest.mark.parametrize("statement", ["SELEC 1", "SELECT nothing()"])
async def test_a_statement_that_is_wrong_is_not_for_a_retry(ledger: Ledger, statement: str) -> None:
    with pytest.raises(DBAPIError):
        await write(ledger, statement)


async def test_another_schema_is_unavailability(ledger: Ledger) -> None:
    with pytest.raises(LedgerUnavailable, match="nowhere"):
        await write(ledger, "SELECT * FROM nowhere")


@pytest.mark.parametrize(
    "name",
    [
        *("BUSY", "LOCKED", "READONLY", "READONLY_DBMOVED", "IOERR", "IOERR_FSYNC", "CANTOPEN", "FULL", "CORRUPT"),
        *("NOTADB", "NOMEM", "PERM", "PROTOCOL", "AUTH", "SCHEMA", "INTERRUPT", "NOLFS"),
    ],
)
def test_a_database_failure_on_sqlite_is_unavailability(name: str) -> None:
    assert is_unavailable(sqlite_error(name))


@pytest.mark.parametrize(
    "name",
    [
        "ERROR",
        "TOOBIG",
        "CONSTRAINT",
        "MISMATCH",
        "MISUSE",
        "RANGE",
        "CONSTRAINT_UNIQUE",
        "CONSTRAINT_CHECK",
        "ERROR_MISSING_COLLSEQ",
    ],
)
def test_a_programming_error_on_sqlite_is_not_unavailability(name: str) -> None:
    assert not is_unavailable(sqlite_error(name))


def sqlite_error(name: str) -> DBAPIError:
    error = sqlite3.OperationalError("in its own words")
    error.sqlite_errorcode = getattr(sqlite3, f"SQLITE_{name}")
    return OperationalError("SELECT 1", None, error)


@ON_POSTGRESQL
async def test_a_value_refused_by_the_driver_is_a_programming_error(ledger: Ledger) -> None:
    with pytest.raises(DBAPIError), ledger.transaction() as tx:
        tx.session.connection().execute(text("SELECT CAST(:name AS integer)"), {"name": "no number"})


async def test_a_connection_that_may_go_on_failing_is_not_used_again(ledger: Ledger) -> None:
    """It may lead to a server that has become a standby, or to a file that was put in another's place."""
    before = await opened_at(ledger)
    with pytest.raises(LedgerUnavailable):
        await write(ledger, "SELECT * FROM nowhere")
    assert await opened_at(ledger) != before


async def opened_at(ledger: Ledger) -> object:
    """The identity of a connection."""
    with ledger.transaction() as tx:
        return id(tx.session.connection().connection.driver_connection)


@ON_POSTGRESQL
async def test_a_lasting_lock_is_unavailability_and_the_next_transaction_waits_for_it(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "ROW_WAIT", 0.1)
    async with open_ledger(ledger_url) as ledger, open_ledger(ledger_url) as other:
        await write(ledger)
        lock = "SELECT * FROM credential WHERE name = :name FOR UPDATE"
        with other.transaction() as tx:
            tx.session.connection().execute(text(lock), {"name": "x"})
            with pytest.raises(LedgerUnavailable, match="lock timeout"):
                await write(ledger, lock)
        await write(ledger, lock)


@ON_POSTGRESQL
async def test_a_transaction_idle_for_too_long_is_unavailability_and_the_next_one_works(
    ledger: Ledger, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "IDLE_WAIT", 0.1)
    gone = text("SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = :pid")
    async with open_ledger(ledger_url) as idle:
        with pytest.raises(LedgerUnavailable), idle.transaction() as tx:  # noqa: PT012  # the block is the transaction
            connection = tx.session.connection()
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()

            async def is_gone() -> bool:
                with ledger.transaction() as other:
                    return bool(other.session.connection().execute(gone, {"pid": pid}).scalar())

            await until(is_gone)
            connection.execute(text("SELECT 1"))
        await write(idle)


async def test_a_pool_without_a_free_connection_is_unavailability(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "POOL", 1)
    async with open_ledger(ledger_url) as ledger:
        monkeypatch.setattr(ledger.engine.pool, "_timeout", 0.01)
        with ledger.engine.connect(), pytest.raises(LedgerUnavailable, match="QueuePool limit"):
            await write(ledger)
        await write(ledger)


async def test_a_row_that_may_not_be_is_not_for_a_retry(ledger: Ledger) -> None:
    await write(ledger)
    with pytest.raises(IntegrityError):
        await write(ledger)
