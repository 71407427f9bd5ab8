"""Times that senders reserve within the write budget, and which reports were reopened in bulk.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("credential", sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("status_target", sa.Column("bulk_at", sa.DateTime(timezone=True), nullable=True))
