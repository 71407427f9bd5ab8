"""The settings that Reportback makes on PostgreSQL: in each transaction, whatever the server's defaults are."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import psycopg
import pytest
from ledger_jobs import order, run_job
from sqlalchemy import URL, text
from sqlmodel import select
from transactions import scalar, value

from domain.delivery.policy import Policy
from storage import engines
from storage.ledger import Ledger, LedgerUnavailable, UnsoundLedger, make_engine, open_ledger
from storage.maintenance.encryption import is_readable_on_its_way
from storage.models import Job
from storage.schema import upgrade

pytestmark = pytest.mark.parametrize("database", ["postgresql"])


@pytest.fixture
def ledger_url(fresh_url: str) -> str:
    """A ledger of the test's own: what is done to it here must not stay."""
    return fresh_url


async def test_a_host_that_froze_or_vanished_is_noticed_long_before_a_lease_has_passed(ledger: Ledger) -> None:
    """A statement waits for a lock longer than a holder may idle, and both together end within 15 s."""
    idle, row = engines.IDLE_WAIT, engines.ROW_WAIT
    assert idle < row
    assert idle + row <= 15 <= Policy().lease.total_seconds() / 2
    assert await value(ledger, "SHOW idle_in_transaction_session_timeout") == f"{idle:.0f}s"
    assert await value(ledger, "SHOW lock_timeout") == f"{row}s"
    set_by_us = "SELECT count(*) FROM pg_settings WHERE source = 'session' AND name LIKE 'tcp\\_%'"
    assert await value(ledger, set_by_us) == 4


async def test_a_migration_may_take_its_time(empty_url: str) -> None:
    engine = make_engine(empty_url, takes_long=True)
    with engine.connect() as connection:
        for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout"):
            assert connection.execute(text(f"SHOW {name}")).scalar() == "0"
    engine.dispose()


async def test_transactions_are_isolated_as_the_statements_need_it_whatever_the_servers_default_is(
    ledger_url: str,
) -> None:
    name = ledger_url.partition("?")[0].rpartition("/")[2]
    engine = make_engine(ledger_url)
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"))
    engine.dispose()
    async with open_ledger(ledger_url) as ledger:
        for _ in range(2):
            assert await value(ledger, "SHOW transaction_isolation") == "read committed"
            with ledger.transaction(only_reads=True) as reader:
                assert scalar(reader, "SHOW transaction_isolation") == "repeatable read"


async def test_a_reader_cannot_write_and_its_connection_can_again_afterwards(ledger: Ledger) -> None:
    write = "UPDATE credential SET rate_limit = 1"
    with pytest.raises(LedgerUnavailable, match="read-only transaction"), ledger.transaction(only_reads=True) as reader:
        scalar(reader, write)
    with ledger.transaction(only_reads=True) as reader:
        assert scalar(reader, "SHOW transaction_read_only") == "on"
    with ledger.transaction() as tx:
        scalar(tx, write)
        assert scalar(tx, "SHOW transaction_isolation") == "read committed"


async def test_no_setting_outlives_its_transaction_on_a_connection_that_a_pooler_gives_to_others(
    ledger: Ledger,
) -> None:
    assert await value(ledger, "SHOW lock_timeout") == "10s"
    raw = ledger.engine.raw_connection()
    try:
        raw.driver_connection.autocommit = True  # type: ignore[union-attr]  # psycopg's own connection
        assert raw.driver_connection.execute("SHOW lock_timeout").fetchone() == ("0",)  # type: ignore[union-attr]  # the same
    finally:
        raw.invalidate()


async def test_what_is_sent_to_another_host_without_encryption_is_said_to_be_readable(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server of the tests has no TLS, and its socket's path stands for another host here."""
    assert not await ledger.read(is_readable_on_its_way)
    monkeypatch.setattr(URL, "query", {"host": "db.internal"})
    assert await ledger.read(is_readable_on_its_way)


async def test_the_url_takes_the_parameters_of_libpq(ledger_url: str) -> None:
    async with open_ledger(f"{ledger_url}&sslmode=prefer&sslrootcert=/nowhere.crt") as ledger:
        await ledger.now()
    with pytest.raises(LedgerUnavailable, match='invalid sslmode value: "perhaps"'):
        async with open_ledger(f"{ledger_url}&sslmode=perhaps"):
            pass


@pytest.mark.parametrize(
    "setting", ["datestyle = 'German'", "timezone = 'Europe/Berlin'", "client_encoding = 'latin1'"]
)
async def test_a_default_of_the_database_changes_no_value(ledger_url: str, setting: str) -> None:
    name = ledger_url.partition("?")[0].rpartition("/")[2]
    async with open_ledger(ledger_url) as ledger:
        await value(ledger, f"ALTER DATABASE {name} SET {setting}")
    async with open_ledger(ledger_url) as ledger:
        asked = replace(order(), url="https://docs.example/\N{SNOWMAN}")
        execution = await run_job(ledger, asked)
        (job,) = await ledger.read(lambda tx: tx.session.exec(select(Job)).all())
        assert job.url == asked.url
        assert job.ended_at is not None
        assert timedelta(0) <= await ledger.now() - job.ended_at < timedelta(minutes=1)
        assert execution.job_id == job.id


@pytest.mark.usefixtures("database")
async def test_a_database_without_an_encoding_of_its_own_is_a_ledger(postgresql: str) -> None:
    """As `initdb` makes them where LANG=C."""
    name = f"ascii_{uuid4().hex}"
    with psycopg.connect(postgresql.format(name="postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    engine = make_engine(url := postgresql.format(name=name))
    upgrade(engine)
    engine.dispose()
    async with open_ledger(url) as ledger:
        await run_job(ledger, order())


async def test_a_parameter_that_libpq_does_not_know_is_named(ledger_url: str) -> None:
    with pytest.raises(UnsoundLedger, match=r'REPORTBACK_DATABASE_URL: invalid connection option "ssl"; see docs'):
        make_engine(f"{ledger_url}&ssl=require")
