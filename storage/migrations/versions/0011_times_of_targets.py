"""Indexes for the times of targets that each reconciliation run looks for.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for time in ("doubt_until", "refused_since", "verify_at"):
        there = sa.text(f"{time} IS NOT NULL")
        op.create_index(f"ix_status_target_{time}", "status_target", [time], postgresql_where=there, sqlite_where=there)
