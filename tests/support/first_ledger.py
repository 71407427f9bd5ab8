"""Makes a ledger of the first schema with rows of every kind, as of 2026-11-23 12:00 UTC."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, text

from storage.ledger import make_engine
from storage.schema import _config, upgrade

ROWS = Path(__file__).with_name("first_ledger.sql").read_text(encoding="utf-8")
TABLES = re.findall(r"^INSERT INTO (\w+)", ROWS, re.MULTILINE)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A transaction on a ledger of any schema."""
    engine = make_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def migrate_to(revision: str, connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def make_first(url: str) -> None:
    """Make a ledger of the first schema at an empty place."""
    with connected(url) as connection:
        migrate_to("0001", connection)
    with connected(url) as connection:
        is_postgresql = connection.dialect.name == "postgresql"
        if is_postgresql:
            connection.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")
        for statement in ROWS.removesuffix(";\n").split(";\n"):
            connection.exec_driver_sql(statement)
        if is_postgresql:
            go_on_counting(connection)


def go_on_counting(connection: Connection) -> None:
    """Advance the sequences past rows that were inserted with explicit keys."""
    found = connection.execute(
        text("SELECT table_name, column_name FROM information_schema.columns WHERE column_default LIKE 'nextval%'")
    )
    for table, column in found.all():
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}"  # noqa: S608  # names of ours
        )


def upgraded(url: str) -> None:
    """Upgrade it to this version's schema."""
    engine = make_engine(url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()
