"""Opening a ledger: refusals, settings of each connection, and creation."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from cancelling import ON_THE_DRIVERS_THREAD, cancelled_at
from first_ledger import upgraded
from racing import MANY, Race, from_connections, from_processes
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession
from waiting import soon
from world import Clock, order, run_job

from domain.delivery.policy import Policy
from storage import engines
from storage.ledger import Ledger, LedgerUnavailable, NotUpgraded, UnsoundLedger, make_engine, open_ledger
from storage.models import Job
from storage.schema import is_current, upgrade

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])


@pytest.fixture
def ledger_url(fresh_url: str) -> str:
    """A ledger of the test's own: what is done to it here must not stay."""
    return fresh_url


async def value(ledger: Ledger, statement: str) -> object:
    async with ledger.transaction() as session:
        return await scalar(session, statement)


async def scalar(session: AsyncSession, statement: str) -> object:
    """The first value of a statement's first row; None of one that returns none."""
    result = await (await session.connection()).execute(text(statement))
    return result.scalar() if result.returns_rows else None


@pytest.mark.parametrize("url", ["sqlite:///ledger.db", "sqlite:///./ledger.db", "sqlite://"])
def test_a_relative_path_is_refused_for_each_process_would_have_its_own(url: str) -> None:
    with pytest.raises(UnsoundLedger, match=r"relative.*each process.*sqlite:////"):
        make_engine(url)


@pytest.mark.parametrize("url", ["mysql://root@localhost/ledger", "oracle://localhost/ledger"])
def test_another_database_is_refused_with_what_to_use(url: str) -> None:
    with pytest.raises(UnsoundLedger, match=r"no ledger; use sqlite:////… or postgresql://…"):
        make_engine(url)


@ON_SQLITE
async def test_a_commit_is_on_disk_before_the_request_leaves_on_sqlite(ledger: Ledger) -> None:
    assert await value(ledger, "PRAGMA synchronous") == 2  # FULL
    assert await value(ledger, "PRAGMA journal_mode") == "wal"


@ON_POSTGRESQL
async def test_a_commit_is_on_disk_before_the_request_leaves_on_postgresql(ledger: Ledger) -> None:
    assert await value(ledger, "SHOW synchronous_commit") == "on"


@ON_POSTGRESQL
async def test_a_host_that_froze_or_vanished_is_noticed_long_before_a_lease_has_passed(ledger: Ledger) -> None:
    """A statement waits for a lock longer than a holder may idle, and both together end within 15 s."""
    idle, row = engines.IDLE_WAIT, engines.ROW_WAIT
    assert idle < row
    assert idle + row <= 15 <= Policy().lease.total_seconds() / 2
    assert await value(ledger, "SHOW idle_in_transaction_session_timeout") == f"{idle:.0f}s"
    assert await value(ledger, "SHOW lock_timeout") == f"{row}s"
    set_by_us = "SELECT count(*) FROM pg_settings WHERE source = 'client' AND name LIKE 'tcp\\_%'"
    assert await value(ledger, set_by_us) == 4


@ON_POSTGRESQL
async def test_a_migration_may_take_its_time(empty_url: str) -> None:
    engine = make_engine(empty_url, takes_long=True)
    async with engine.connect() as connection:
        for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"):
            assert (await connection.execute(text(f"SHOW {name}"))).scalar() == "0"
    await engine.dispose()


@ON_POSTGRESQL
async def test_transactions_are_isolated_as_the_statements_need_it_whatever_the_servers_default_is(
    ledger_url: str,
) -> None:
    name = ledger_url.partition("?")[0].rpartition("/")[2]
    engine = make_engine(ledger_url)
    async with engine.begin() as connection:
        await connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"))
    await engine.dispose()
    async with open_ledger(ledger_url) as ledger:
        for _ in range(2):
            assert await value(ledger, "SHOW transaction_isolation") == "read committed"
            async with ledger.reading() as reader:
                assert await scalar(reader, "SHOW transaction_isolation") == "repeatable read"


@ON_SQLITE
async def test_a_ledger_that_lost_its_wal_gets_it_back(ledger_url: str) -> None:
    path = ledger_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    async with open_ledger(ledger_url) as ledger:
        assert await value(ledger, "PRAGMA journal_mode") == "wal"


async def test_a_row_names_only_rows_that_exist(ledger: Ledger) -> None:
    await run_job(ledger, order())
    with pytest.raises(IntegrityError):
        await value(ledger, "UPDATE report_event SET report_id = 4711")


@ON_SQLITE
async def test_a_transaction_that_reads_first_may_write_since_it_is_immediate(ledger: Ledger) -> None:
    """Two that read and then write: the second waits at its first word, and neither fails."""

    async def read_then_write() -> None:
        async with ledger.transaction() as session:
            await scalar(session, "SELECT count(*) FROM credential")
            await asyncio.sleep(0)
            await scalar(session, "UPDATE credential SET rate_limit = 1")

    await run_job(ledger, order())
    await asyncio.gather(*(read_then_write() for _ in range(5)))


async def test_a_reader_sees_one_moment_and_no_writer_waits_for_it(ledger: Ledger) -> None:
    """Nor does the reader wait for a writer."""
    await run_job(ledger, order())
    number = "SELECT count(*) FROM job"
    async with ledger.reading() as reader:
        assert await scalar(reader, number) == 1
        await soon(run_job(ledger, order("docs/other")), "a writer beside the reader")
        async with ledger.transaction() as writer:
            await soon(scalar(writer, "UPDATE credential SET rate_limit = 1"), "a writer beside the reader")
            assert await scalar(reader, number) == 1
            assert await scalar(reader, "SELECT rate_limit FROM credential") is None
    assert await value(ledger, number) == 2


@ON_POSTGRESQL
async def test_a_reader_cannot_write_and_its_connection_can_again_afterwards(ledger: Ledger) -> None:
    write = "UPDATE credential SET rate_limit = 1"
    with pytest.raises(LedgerUnavailable, match="read-only transaction"):
        async with ledger.reading() as reader:
            await scalar(reader, write)
    async with ledger.reading() as reader:
        assert await scalar(reader, "SHOW transaction_read_only") == "on"
    async with ledger.transaction() as session:
        await scalar(session, write)
        assert await scalar(session, "SHOW transaction_isolation") == "read committed"


async def test_a_transaction_that_raises_leaves_nothing(ledger: Ledger) -> None:
    await run_job(ledger, order())
    with pytest.raises(IntegrityError):  # noqa: PT012  # the block is the transaction
        async with ledger.transaction() as session:
            await scalar(session, "UPDATE credential SET rate_limit = 1")
            await scalar(session, "UPDATE report_event SET report_id = 4711")
    assert await value(ledger, "SELECT rate_limit FROM credential") is None


@ON_THE_DRIVERS_THREAD
async def test_a_cancelled_transaction_does_not_keep_the_ledger_locked(ledger: Ledger) -> None:
    """Not even while its traceback lives, as in the `except` that ends a cancelled job."""
    await run_job(ledger, order())

    async def read_and_write() -> None:
        async with ledger.transaction() as session:
            (await session.exec(select(Job))).all()
            await scalar(session, "UPDATE credential SET rate_limit = 1")

    for number in count():
        task = await cancelled_at(read_and_write(), number)
        update = value(ledger, "UPDATE credential SET rate_limit = 2 RETURNING rate_limit")
        assert await soon(update, "the ledger, which the cancelled transaction had locked") == 2
        if not task.cancelled():
            break
    assert number > 5


async def test_the_embedded_ledger_makes_itself_with_all_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "state" / "reportback" / "ledger.db"
    async with open_ledger(f"sqlite:///{path}") as ledger:
        await run_job(ledger, order())
    assert path.exists()


@ON_SQLITE
@pytest.mark.parametrize("race", [from_connections, from_processes])
async def test_twenty_may_open_a_missing_ledger_at_once(empty_url: str, race: Race) -> None:
    assert await race("opens", empty_url) == ["opened"] * MANY
    async with open_ledger(empty_url) as ledger:
        await run_job(ledger, order())


@ON_POSTGRESQL
async def test_a_postgresql_ledger_that_is_not_upgraded_says_what_to_do(empty_url: str) -> None:
    with pytest.raises(NotUpgraded, match="reportback db upgrade"):
        async with open_ledger(empty_url):
            pass
    await upgraded(empty_url)
    async with open_ledger(empty_url) as ledger:
        await run_job(ledger, order())


async def test_upgrading_twice_and_at_once_changes_nothing(empty_url: str) -> None:
    engine = make_engine(empty_url)
    await asyncio.gather(*(upgrade(engine) for _ in range(3)))
    async with open_ledger(empty_url) as ledger:
        await run_job(ledger, order())
        await upgrade(engine)
        assert await is_current(engine)
        assert await value(ledger, "SELECT count(*) FROM job") == 1
    await engine.dispose()


async def test_the_ledgers_own_clock_is_in_utc(ledger_url: str) -> None:
    async with open_ledger(ledger_url) as ledger:
        before = await ledger.now()
        after = await ledger.now()
    assert before.tzinfo is UTC
    assert before < after
    assert abs(after - datetime.now(UTC)) < timedelta(seconds=5)


async def test_time_goes_on_within_a_transaction(ledger_url: str) -> None:
    """A transaction that waited for a lock must not measure a lease by the moment it began."""
    async with open_ledger(ledger_url) as ledger, ledger.transaction() as session:
        assert await ledger.clock(session) < await ledger.clock(session)


async def test_a_clock_that_is_handed_in_replaces_the_ledgers_own(ledger: Ledger, clock: Clock) -> None:
    assert await ledger.now() == clock.now
