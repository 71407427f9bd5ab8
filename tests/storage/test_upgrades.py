"""A ledger of the first schema, with rows of every kind, is upgraded unchanged, and its due reports are sent."""

import asyncio
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import pytest
from first_ledger import TABLES, connected, make_first, migrate_to, upgraded
from log_lines import nothing_logged
from waiting import until
from world import Clock, world_on

from domain.delivery.report import Phase
from storage.identity import ledger_id
from storage.ledger import Ledger, NotUpgraded, open_ledger
from storage.schema import NewerLedger, is_current
from tasks.delivery.deliver_due import deliver_due

HELD = {
    "docs/settled": [],  # GitHub is a new stand-in: what was delivered before is not asked for again
    "docs/due": ["failure"],
    "docs/dead-sender": ["error"],
    "docs/doubt-over": ["error"],
    "docs/doubt": ["error"],
    "docs/rejected": [],
    "docs/again": [],
    "docs/paused": [],
    "docs/later": [],
    "docs/sending": ["success"],
    "docs/waiting": ["pending"],
}
Rows: TypeAlias = dict[str, list[dict[str, object]]]


@pytest.fixture
async def first_url(empty_url: str) -> str:
    """A ledger of the first schema, with rows of every kind."""
    make_first(empty_url)
    return empty_url


def rows(url: str) -> Rows:
    """All there is in the first schema's tables."""
    with connected(url) as connection:
        found = {table: connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES}  # noqa: S608  # names of ours
        return {table: [dict(row) for row in result.mappings()] for table, result in found.items()}


def kept(before: Rows, after: Rows) -> Rows:
    """The rows *after*, in the columns that there were *before*."""
    return {
        table: [{column: row[column] for column in old} for old, row in zip(before[table], after[table], strict=True)]
        for table in TABLES
    }


async def test_the_first_ledger_holds_rows_of_every_kind(first_url: str) -> None:
    found = rows(first_url)
    assert len({row["state"] for row in found["job"]}) == 8
    assert len({row["kind"] for row in found["report_event"]}) == 16
    assert {target["context"] for target in found["status_target"]} == HELD.keys()
    assert all(any(row[column] for row in found[table]) for table in TABLES for column in found[table][0])


async def test_every_row_is_as_it_was(first_url: str) -> None:
    before = rows(first_url)
    upgraded(first_url)
    assert kept(before, rows(first_url)) == before


async def test_a_report_due_before_the_upgrade_is_delivered_after_it(first_url: str, clock: Clock) -> None:
    upgraded(first_url)
    async with open_ledger(first_url, clock=clock.of_ledger) as ledger, world_on(ledger, clock) as world:
        with nothing_logged():
            result = await deliver_due(world.reporter, UUID(int=7), budget=timedelta(seconds=50), senders=4)
        assert {context: world.held(context) for context in HELD} == HELD
        assert (result.delivered, result.undelivered) == (6, 2)
        assert (await world.phases("docs/rejected"))["error"] is Phase.REJECTED
        assert (await world.phases("docs/again"))["failure"] is Phase.SUPERSEDED


@pytest.mark.parametrize("seconds", [0.0005, 7.0, 1288.2269999999999, 1288.227])
async def test_a_sum_of_seconds_becomes_one_of_whole_milliseconds_and_does_not_fall(
    first_url: str, seconds: float
) -> None:
    with connected(first_url) as connection:
        migrate_to("0003", connection)
        connection.exec_driver_sql(f"INSERT INTO metric_total VALUES ('latency', 'seconds', '', {seconds!r})")  # noqa: S608  # a figure of ours
    upgraded(first_url)
    with connected(first_url) as connection:
        found = connection.exec_driver_sql("SELECT first, total FROM metric_total WHERE name = 'latency'")
        ((unit, total),) = found.all()
    assert unit == "milliseconds"
    assert total == int(total)
    assert seconds * 1000 <= total <= seconds * 1000 + 1


async def test_two_upgrades_of_the_first_schema_at_once_are_one(first_url: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(upgraded, first_url) for _ in range(3)))
    async with open_ledger(first_url) as ledger:
        assert is_current(ledger.engine)
        first = await id_of(ledger)
        upgraded(first_url)
        assert await id_of(ledger) == first


async def id_of(ledger: Ledger) -> UUID:
    return await ledger.read(ledger_id)


@pytest.mark.parametrize("database", ["postgresql"])  # one of SQLite's waits for the whole ledger before it begins
async def test_an_execution_ends_while_the_ledger_is_upgraded(first_url: str) -> None:
    waits = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
    waits += " WHERE NOT granted AND datname = current_database()"
    with connected(first_url) as connection:
        migrate_to("0008", connection)
    async with asyncio.TaskGroup() as group:
        with connected(first_url) as ending:

            async def is_held_up() -> bool:
                return bool(ending.exec_driver_sql(waits).scalar_one())

            ending.exec_driver_sql("UPDATE job SET summary = 'done'")
            group.create_task(asyncio.to_thread(upgraded, first_url))
            await until(is_held_up)
            ending.exec_driver_sql("UPDATE status_report SET description = 'done'")
    async with open_ledger(first_url) as ledger:
        assert is_current(ledger.engine)


@pytest.mark.parametrize("database", ["sqlite"])
async def test_the_embedded_ledger_comes_along_when_it_is_opened(first_url: str) -> None:
    before = rows(first_url)
    async with open_ledger(first_url) as ledger:
        await id_of(ledger)
    assert kept(before, rows(first_url)) == before


@pytest.mark.parametrize("database", ["postgresql"])
async def test_a_ledger_of_the_first_schema_is_not_used_before_it_is_upgraded(first_url: str) -> None:
    with pytest.raises(NotUpgraded, match="run: reportback db upgrade"):
        async with open_ledger(first_url):
            pytest.fail("it was opened")


async def test_a_ledger_of_a_newer_version_is_left_alone(fresh_url: str) -> None:
    """An execution of the old version that ends late, or a forgotten worker."""
    with connected(fresh_url) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerLedger, match="run the newer version"):
        async with open_ledger(fresh_url):
            pytest.fail("it was opened")
    with pytest.raises(NewerLedger):
        upgraded(fresh_url)
