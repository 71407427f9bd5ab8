"""Alembic's entry point; storage/schema.py, or a test, passes the connection in `config.attributes`."""

from alembic import context
from sqlmodel import SQLModel

import storage.models  # noqa: F401  # fills the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    transactional_ddl=True,  # SQLite's is too: storage/engines.py issues BEGIN
)
with context.begin_transaction():
    context.run_migrations()
