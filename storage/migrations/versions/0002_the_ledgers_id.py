"""The ledger's id.

Revision ID: 0002
Revises: 0001
"""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ledger = op.create_table(
        "ledger",
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("number = 1", name=op.f("ck_ledger_only_one")),
        sa.PrimaryKeyConstraint("number", name="pk_ledger"),
    )
    op.bulk_insert(ledger, [{"number": 1, "id": uuid4()}])
