"""What differs between the databases: inserts with ON CONFLICT, durations, and how PostgreSQL's planner joins."""

from typing import Any

from sqlalchemy import ColumnElement, Float, TextClause, bindparam, cast, extract, text
from sqlmodel import SQLModel, func, select

from storage.transaction import Transaction, table_of


def insert(table: type[SQLModel], *columns: str, on_conflict: str, **computed: str) -> TextClause:
    """A statement that inserts one row: parameters named like its columns, and columns *computed* by SQL.

    Text, as SQLAlchemy compiles its own inserts with ON CONFLICT anew each time.
    """
    stored = table_of(table)
    values = {column: f":{column}" for column in columns} | computed
    words = f"INSERT INTO {stored.name} ({', '.join(values)}) VALUES ({', '.join(values.values())})"  # noqa: S608  # names of ours
    parameters = [bindparam(column, type_=stored.c[column].type) for column in columns]
    return text(f"{words} ON CONFLICT {on_conflict}").bindparams(*parameters)


def avoid_table_scans(tx: Transaction) -> None:
    """Make the transaction join by index look-ups, never by reading a whole table.

    PostgreSQL's planner estimates two thousand look-ups to cost more than a million rows.
    """
    if tx.session.get_bind().dialect.name == "postgresql":
        off = (func.set_config(f"enable_{join}", "off", True) for join in ("hashjoin", "mergejoin"))
        tx.session.exec(select(*off))


def sql_seconds(tx: Transaction, since: Any, until: Any) -> ColumnElement[float]:  # noqa: ANN401  # columns and literals
    """The seconds between two times; SQLite computes to the millisecond."""
    if tx.session.get_bind().dialect.name == "sqlite":
        return func.round((func.julianday(until) - func.julianday(since)) * 86400.0, 3)
    return cast(extract("epoch", until - since), Float)
