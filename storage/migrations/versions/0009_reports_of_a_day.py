"""An index for the reports of a day; the one for jobs at work goes, as `ix_job_ended_at` serves them.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_job_beat_at", "job")  # first, as the end of an execution locks the tables in this order
    op.create_index("ix_status_report_created_at", "status_report", ["created_at"])
