"""For pruning: indexes by which old jobs, and the jobs of a target, are found; latencies summed in whole milliseconds.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_job_target_id", "job", ["target_id"])
    op.create_index("ix_job_ended_at", "job", ["ended_at", "number"])
    op.execute(  # rounded up by a half more, as no counter may fall
        "UPDATE metric_total SET first = 'milliseconds', total = round(total * 1000 + 0.5) "
        "WHERE name = 'latency' AND first = 'seconds'"
    )
