"""Rebuilds a table of SQLite, which cannot change a CHECK."""

import sqlalchemy as sa
from alembic import op


def rebuild(table: str, old: str, new: str) -> None:
    """Copy *table*, to which no other refers, into one whose statement has *new* in the place of *old*."""
    named = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL")
    made = list(op.get_bind().execute(named, {"name": table}))
    (before,) = (sql for kind, sql in made if kind == "table")
    op.execute(before.replace(table, f"{table}_anew", 1).replace(old, new, 1))
    op.execute(f"INSERT INTO {table}_anew SELECT * FROM {table}")  # noqa: S608  # names of ours
    op.execute(f"DROP TABLE {table}")
    op.execute(f"ALTER TABLE {table}_anew RENAME TO {table}")
    for kind, sql in made:
        if kind == "index":
            op.execute(sql)
