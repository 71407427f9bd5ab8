"""Alembic's entry: the connection comes from `config.attributes`, from storage/schema.py or a test."""

from alembic import context
from sqlmodel import SQLModel

import storage.models  # noqa: F401  # fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,  # SQLite's is too, with BEGIN said by storage/engine.py
)
with context.begin_transaction():
    context.run_migrations()
