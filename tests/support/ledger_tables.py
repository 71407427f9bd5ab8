"""The tables to empty when tests share a ledger."""

from sqlmodel import SQLModel

import storage.models  # noqa: F401  # fills the metadata

TABLES = [table for table in reversed(SQLModel.metadata.sorted_tables) if table.name != "ledger"]
"""All but the one with the ledger's id, which stays; a table comes before those that it refers to."""
