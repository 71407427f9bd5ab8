"""For verification: GitHub's own time, and the event kind for a status on top that is not ours.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

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
        _rebuild_events()
    else:
        listed = ", ".join(f"'{kind}'" for kind in KINDS)
        op.drop_constraint(op.f("ck_report_event_eventkind"), "report_event")
        op.create_check_constraint(op.f("ck_report_event_eventkind"), "report_event", f"kind IN ({listed})")


def _rebuild_events() -> None:
    """Copy the events into a table with the new CHECK: SQLite cannot change one. No other table refers to events."""
    found = op.get_bind().execute(sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = 'report_event'"))
    made = [(kind, sql) for kind, sql in found if sql is not None]
    (table,) = (sql for kind, sql in made if kind == "table")
    wider = table.replace("report_event", "events_anew", 1).replace("'repaired')", "'repaired', 'overridden')")
    op.execute(wider)
    op.execute("INSERT INTO events_anew SELECT * FROM report_event")
    op.execute("DROP TABLE report_event")
    op.execute("ALTER TABLE events_anew RENAME TO report_event")
    for kind, sql in made:
        if kind == "index":
            op.execute(sql)
