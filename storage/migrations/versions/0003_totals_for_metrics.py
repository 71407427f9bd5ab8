"""Totals for metrics: jobs that ended so far are counted; an index for what is rejected.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metric_total",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("first", sa.String(100), nullable=False),
        sa.Column("second", sa.String(32), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", "first", "second", name="pk_metric_total"),
    )
    op.execute(
        "INSERT INTO metric_total (name, first, second, total) "
        "SELECT 'jobs', type, state, count(*) FROM job WHERE ended_at IS NOT NULL GROUP BY type, state"
    )
    op.create_index(
        "ix_status_report_rejected_at",
        "status_report",
        ["rejected_at"],
        postgresql_where=sa.text("rejected_at IS NOT NULL"),
        sqlite_where=sa.text("rejected_at IS NOT NULL"),
    )
