"""Opening a ledger: refusals, settings of each connection, and creation."""

import asyncio
import sqlite3
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from cancelling import IN_THREADS, cancelled_at
from first_ledger import upgraded
from ledger_jobs import order, run_job
from racing import MANY, Race, from_connections, from_processes
from sqlalchemy.exc import IntegrityError
from sqlmodel import select
from transactions import scalar, value
from waiting import soon
from world import Clock

from storage.ledger import Ledger, NotUpgraded, UnsoundLedger, make_engine, open_ledger
from storage.models import Job
from storage.schema import is_current, upgrade
from storage.transaction import Transaction

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])


@pytest.fixture
def ledger_url(fresh_url: str) -> str:
    """A ledger of the test's own: what is done to it here must not stay."""
    return fresh_url


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
async def test_a_transaction_that_reads_first_may_write_since_it_is_immediate(ledger_url: str) -> None:
    """Two that read and then write: the second waits at its first word, and neither fails."""

    def read_then_write(tx: Transaction) -> None:
        scalar(tx, "SELECT count(*) FROM credential")
        scalar(tx, "UPDATE credential SET rate_limit = 1")

    async with AsyncExitStack() as stack:
        ledgers = [await stack.enter_async_context(open_ledger(ledger_url)) for _ in range(5)]
        await run_job(ledgers[0], order())
        await asyncio.gather(*(ledger.write(read_then_write) for ledger in ledgers))


async def test_a_reader_sees_one_moment_and_no_writer_waits_for_it(ledger: Ledger) -> None:
    """Nor does the reader wait for a writer."""
    await run_job(ledger, order())
    number = "SELECT count(*) FROM job"
    with ledger.transaction(only_reads=True) as reader:
        assert scalar(reader, number) == 1
        await soon(run_job(ledger, order("docs/other")), "a writer beside the reader")
        with ledger.transaction() as writer:
            scalar(writer, "UPDATE credential SET rate_limit = 1")
            assert scalar(reader, number) == 1
            assert scalar(reader, "SELECT rate_limit FROM credential") is None
    assert await value(ledger, number) == 2


async def test_a_transaction_that_raises_leaves_nothing(ledger: Ledger) -> None:
    await run_job(ledger, order())
    with pytest.raises(IntegrityError), ledger.transaction() as tx:  # noqa: PT012  # the block is the transaction
        scalar(tx, "UPDATE credential SET rate_limit = 1")
        scalar(tx, "UPDATE report_event SET report_id = 4711")
    assert await value(ledger, "SELECT rate_limit FROM credential") is None


@IN_THREADS
async def test_a_cancelled_transaction_does_not_keep_the_ledger_locked(ledger: Ledger) -> None:
    """Not even while its traceback lives, as in the `except` that ends a cancelled job."""
    await run_job(ledger, order())

    def read_and_write(tx: Transaction) -> None:
        tx.session.exec(select(Job)).all()
        scalar(tx, "UPDATE credential SET rate_limit = 1")

    for number in count():
        task = await cancelled_at(ledger.write(read_and_write), number)
        update = value(ledger, "UPDATE credential SET rate_limit = 2 RETURNING rate_limit")
        assert await soon(update, "the ledger, which the cancelled transaction had locked") == 2
        if not task.cancelled():
            break
    assert number > 0


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
    upgraded(empty_url)
    async with open_ledger(empty_url) as ledger:
        await run_job(ledger, order())


async def test_upgrading_twice_and_at_once_changes_nothing(empty_url: str) -> None:
    engine = make_engine(empty_url)
    await asyncio.gather(*(asyncio.to_thread(upgrade, engine) for _ in range(3)))
    async with open_ledger(empty_url) as ledger:
        await run_job(ledger, order())
        upgrade(engine)
        assert is_current(engine)
        assert await value(ledger, "SELECT count(*) FROM job") == 1
    engine.dispose()


async def test_the_ledgers_own_clock_is_in_utc(ledger_url: str) -> None:
    async with open_ledger(ledger_url) as ledger:
        before = await ledger.now()
        after = await ledger.now()
    assert before.tzinfo is UTC
    assert before < after
    assert abs(after - datetime.now(UTC)) < timedelta(seconds=5)


@ON_POSTGRESQL
async def test_the_time_of_a_transaction_is_that_of_its_first_use(ledger_url: str) -> None:
    """One that waited for a lock must not measure a lease by the moment it began; SQLite's lock comes first."""
    async with open_ledger(ledger_url) as ledger:
        with ledger.transaction() as tx:
            began = ledger.clock(tx.session)
            assert tx.now > began
            assert tx.now == tx.now  # one moment for all that it does then


async def test_a_clock_that_is_handed_in_replaces_the_ledgers_own(ledger: Ledger, clock: Clock) -> None:
    assert await ledger.now() == clock.now
