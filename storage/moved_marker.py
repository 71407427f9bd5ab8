"""Marks a ledger as moved: it can no longer be opened, and triggers refuse writes from open connections."""

from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

import storage.models  # noqa: F401  # fills the metadata

REVISION = "moved"
"""Replaces the schema's revision. Every version of Reportback refuses a revision that it does not know."""

REFUSAL = "this ledger was moved elsewhere"

_ON_SQLITE = """
CREATE TRIGGER moved_{table}_{act} BEFORE {act} ON {table}
BEGIN SELECT RAISE(ABORT, '{refusal}'); END
"""
_ON_POSTGRESQL = """
CREATE TRIGGER moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_what_was_moved()
"""
_FUNCTION = """
CREATE FUNCTION refuse_what_was_moved() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN RAISE EXCEPTION '{refusal}'; END $$
"""


def is_marked(connection: Connection) -> bool:
    """Whether the ledger was moved."""
    return inspect(connection).has_table("moved")


def place(connection: Connection) -> str:
    """Where a marked ledger was moved to."""
    return str(connection.execute(text("SELECT place FROM moved")).scalar_one())


def mark(connection: Connection, place: str) -> None:
    """Mark the ledger as moved to *place*. Its rows stay, for reading."""
    connection.execute(text("CREATE TABLE moved (place VARCHAR NOT NULL)"))
    connection.execute(text("INSERT INTO moved VALUES (:place)"), {"place": place})
    connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": REVISION})
    for statement in _freezing(connection.dialect.name):
        connection.exec_driver_sql(statement)


def _freezing(dialect: str) -> list[str]:
    tables = [table.name for table in SQLModel.metadata.sorted_tables]
    if dialect == "postgresql":
        return [_FUNCTION.format(refusal=REFUSAL), *(_ON_POSTGRESQL.format(table=table) for table in tables)]
    acts = ("INSERT", "UPDATE", "DELETE")
    return [_ON_SQLITE.format(table=table, act=act, refusal=REFUSAL) for table in tables for act in acts]
