"""Secrets of a credential that GitHub has refused, so that senders with another secret need not wait.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("credential", sa.Column("refused_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "refused_secret",
        sa.Column("credential", sa.String(255), nullable=False),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pause_seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["credential"], ["credential.name"], name="fk_refused_secret_credential_credential"),
        sa.PrimaryKeyConstraint("credential", "fingerprint", name="pk_refused_secret"),
    )
