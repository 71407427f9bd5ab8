"""For verification: GitHub's own time, and the event kind for a status on top that is not ours.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.rebuilt import rebuild

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = (
    "recorded", "claimed", "posted", "delivered", "found", "absent", "unknown", "not_sent", "throttled", "rejected",
    "superseded", "reopened", "recovered", "late", "doubled", "repaired", "overridden",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("credential", sa.Column("github_time", sa.DateTime(timezone=True), nullable=True))
    op.add_column("status_report", sa.Column("not_before", sa.DateTime(timezone=True), nullable=True))
    if op.get_bind().dialect.name == "sqlite":
        rebuild("report_event", "'repaired')", "'repaired', 'overridden')")
    else:
        listed = ", ".join(f"'{kind}'" for kind in KINDS)
        op.drop_constraint(op.f("ck_report_event_eventkind"), "report_event")
        op.create_check_constraint(op.f("ck_report_event_eventkind"), "report_event", f"kind IN ({listed})")
