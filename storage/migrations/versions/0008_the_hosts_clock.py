"""The anchor of a SQLite ledger's clock on its host.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "host_anchor",
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("boot", sa.String(64), nullable=False),
        sa.Column("booted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number = 1", name=op.f("ck_host_anchor_only_one")),
        sa.PrimaryKeyConstraint("number", name="pk_host_anchor"),
    )
