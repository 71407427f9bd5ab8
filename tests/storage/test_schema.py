"""The migrations make exactly the models' tables, and constraints refuse impossible rows."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from alembic.script import ScriptDirectory
from ledger_jobs import order, run_job
from sqlalchemy import CheckConstraint, Connection, Index, MetaData, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlmodel import SQLModel, select
from world import World

from storage.ledger import Ledger, make_engine
from storage.models import Job, StatusReport
from storage.schema import MIGRATIONS, REVISIONS, upgrade

POSTGRESQL_DDL = {
    "constraint": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace",
    "index": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "column": "SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, "
    "is_identity FROM information_schema.columns WHERE table_schema = 'public'",
}
SQLITE_DDL = "SELECT tbl_name, name, sql FROM sqlite_master WHERE sql IS NOT NULL"


def ddl_of(connection: Connection) -> set[str]:
    """Every column, constraint and index there is, one a line, but for Alembic's own table."""
    if connection.dialect.name == "postgresql":
        rows = {
            f"{kind} {' '.join(map(str, row))}"
            for kind, query in POSTGRESQL_DDL.items()
            for row in connection.execute(text(query))
        }
    else:
        rows = {f"{name} {line}" for _, name, sql in connection.execute(text(SQLITE_DDL)) for line in sqlite_lines(sql)}
    return {row for row in rows if "alembic_version" not in row}


def sqlite_lines(sql: str) -> Iterator[str]:
    """The lines of a statement, without traces of how a table was made: quotes, and columns added later."""
    for line in map(str.strip, sql.replace('"', "").splitlines()):
        if line.startswith(("CONSTRAINT", "CREATE")):
            yield line.rstrip(",")
        else:  # a column, and behind it those that ALTER TABLE added
            yield from line.rstrip(",").split(", ")


def test_the_revisions_are_those_that_alembic_finds() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert [script.revision for script in scripts.walk_revisions()] == REVISIONS[::-1]
    assert scripts.get_current_head() == REVISIONS[-1]


async def migrated(url: str) -> set[str]:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()
    return await _read(url)


async def created(url: str, metadata: MetaData) -> set[str]:
    engine = make_engine(url)
    with engine.begin() as connection:
        metadata.create_all(connection)
    engine.dispose()
    return await _read(url)


async def _read(url: str) -> set[str]:
    engine = make_engine(url)
    with engine.connect() as connection:
        found = ddl_of(connection)
    engine.dispose()
    return found


def copied() -> MetaData:
    """The models' tables, to be changed by a test."""
    copy = MetaData(naming_convention=SQLModel.metadata.naming_convention)
    for table in SQLModel.metadata.sorted_tables:
        table.to_metadata(copy)
    return copy


def check_of(metadata: MetaData, table: str, name: str) -> CheckConstraint:
    checks = (c for c in metadata.tables[table].constraints if isinstance(c, CheckConstraint))
    return next(check for check in checks if str(check.name).endswith(name))


def index_of(metadata: MetaData, table: str, name: str) -> Index:
    return next(index for index in metadata.tables[table].indexes if index.name == name)


def weaken_check(metadata: MetaData) -> None:
    check_of(metadata, "status_report", "settled_one_way").sqltext = text("1 = 1")


def drop_check(metadata: MetaData) -> None:
    metadata.tables["job"].constraints.remove(check_of(metadata, "job", "over_has_end"))


def move_index(metadata: MetaData) -> None:
    index = index_of(metadata, "job", "uq_job_exclusive_group_running")
    for kind in ("postgresql", "sqlite"):
        index.dialect_options[kind]["where"] = text("state = 'waiting'")


def widen_index(metadata: MetaData) -> None:
    index = index_of(metadata, "status_target", "ix_status_target_due_at")
    for kind in ("postgresql", "sqlite"):
        index.dialect_options[kind]["where"] = None


def drop_index(metadata: MetaData) -> None:
    table = metadata.tables["report_event"]
    table.indexes.remove(index_of(metadata, "report_event", "ix_report_event_report_id"))


def allow_null(metadata: MetaData) -> None:
    metadata.tables["status_report"].c.marker.nullable = True


async def test_models_and_migrations_are_equal(ledger_url: str, empty_url: str) -> None:
    assert await migrated(ledger_url) == await created(empty_url, copied())


@pytest.mark.parametrize("tamper", [weaken_check, drop_check, move_index, widen_index, drop_index, allow_null])
async def test_the_comparison_notices(ledger_url: str, empty_url: str, tamper: Callable[[MetaData], None]) -> None:
    metadata = copied()
    tamper(metadata)
    assert await migrated(ledger_url) != await created(empty_url, metadata)


async def test_every_constraint_and_index_is_named_explicitly(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        found = ddl_of(connection)
    if ledger.engine.dialect.name == "sqlite":
        rules = ("CHECK", "UNIQUE (", "PRIMARY KEY (", "FOREIGN KEY")
        lines = [row.split(" ", 1)[1] for row in found if any(rule in row for rule in rules)]
        assert len(lines) > 20
        assert all(line.startswith(("CONSTRAINT ", "CREATE ")) for line in lines)
    names = [row.split()[2] for row in found if row.startswith(("constraint ", "index ")) and row.split()[3] != "NOT"]
    names += [row.split()[2] for row in found if " CONSTRAINT " in row]
    assert all(name.startswith(("pk_", "uq_", "ck_", "fk_", "ix_")) for name in names)
    assert len({name[:63] for name in names}) >= 20


CONTRADICTIONS = {
    "a lease that sends nothing": ("status_target SET lease = '{uuid}', lease_expires_at = due_at", "lease_whole"),
    "a lease without an end": ("status_target SET lease = '{uuid}', sending_id = newest_id", "lease_whole"),
    "due with nothing to say": ("status_target SET newest_id = NULL", "due_names_newest"),
    "over without an end": ("job SET ended_at = NULL", "over_has_end"),
    "an end while it runs": ("job SET state = 'running'", "over_has_end"),
    "a turn at no target": ("job SET target_id = NULL", "target_has_turn_and_url"),
    "a target without a link": ("job SET url = NULL", "target_has_turn_and_url"),
    "an execution before the first": ("job SET execution = 0", "execution_counts_from_1"),
    "delivered without an id": ("status_report SET delivered_at = created_at", "delivered_has_id"),
    "rejected for no reason": ("status_report SET rejected_at = created_at", "rejected_has_reason"),
    "delivered and rejected": (
        "status_report SET delivered_at = created_at, github_status_id = 1, rejected_at = created_at, rejection = 'x'",
        "settled_one_way",
    ),
    "a pending that outranks": ("status_report SET rank = 2", "rank_of_state"),
    "a rank there is not": ("status_report SET rank = 3 WHERE state = 'success'", "rank_of_state"),
    "a state there is not": ("job SET state = 'lazy'", "jobstate"),
    "an enum by its name": ("job SET state = 'SUCCEEDED'", "jobstate"),
    "an event there is not": ("report_event SET kind = 'forgotten'", "eventkind"),
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS)
async def test_a_contradiction_cannot_be_stored(ledger: Ledger, contradiction: str) -> None:
    await run_job(ledger, order())
    statement, constraint = CONTRADICTIONS[contradiction]
    with pytest.raises(IntegrityError, match=constraint), ledger.engine.begin() as connection:
        connection.execute(text("UPDATE " + statement.replace("{uuid}", "0" * 32)))


async def test_enums_are_stored_as_their_values(ledger: Ledger) -> None:
    await run_job(ledger, order())
    with ledger.engine.connect() as connection:
        assert connection.scalar(text("SELECT state FROM job")) == "succeeded"
        states = connection.scalars(text("SELECT state FROM status_report ORDER BY id"))
        assert states.all() == ["pending", "success"]


async def test_times_come_back_in_utc(world: World) -> None:
    await run_job(world.ledger, order())
    with world.ledger.transaction() as tx:
        report = tx.session.exec(select(StatusReport)).first()
    assert report is not None
    assert report.created_at == world.clock.now
    assert report.created_at.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(ledger: Ledger) -> None:
    await run_job(ledger, order())
    with pytest.raises(StatementError), ledger.transaction() as tx:  # noqa: PT012  # the block is the transaction
        job = tx.session.exec(select(Job)).one()
        job.beat_at = datetime(2026, 11, 23, 12)  # noqa: DTZ001  # the point
        tx.session.add(job)


async def test_github_ids_beyond_32_bits_fit(world: World) -> None:
    await run_job(world.ledger, order())
    await world.deliver()
    with world.ledger.transaction() as tx:
        ids = tx.session.exec(select(StatusReport.github_status_id)).all()
    assert max(number or 0 for number in ids) > 2**32


@pytest.mark.parametrize("database", ["postgresql"])
async def test_nul_is_no_text_on_postgresql(ledger: Ledger) -> None:
    """Why outside text is cleaned before it is stored."""
    await run_job(ledger, order())
    with pytest.raises(DBAPIError), ledger.engine.begin() as connection:
        connection.execute(text("UPDATE job SET summary = :summary"), {"summary": "a\0b"})
