"""The tokens that workers have, by a keyed hash, so that an operator sees which worker holds an old one.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "worker_token",
        sa.Column("worker", sa.String(255), nullable=False),
        sa.Column("credential", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=True),
        sa.Column("version", sa.String(100), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("worker", "credential", name="pk_worker_token"),
    )
