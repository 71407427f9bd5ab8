"""What is emptied when a ledger is used again for another test."""

from sqlmodel import SQLModel

import storage.models  # noqa: F401  # fills the metadata

TABLES = [table for table in reversed(SQLModel.metadata.sorted_tables) if table.name != "ledger"]
"""All but the one with the ledger's id, which stays; a table comes before those that it refers to."""
