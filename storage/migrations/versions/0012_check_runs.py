"""Check runs: what GitHub is known to have of an execution, what an outcome shows there, and the event between.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.rebuilt import rebuild

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KINDS = (
    "recorded", "claimed", "posted", "delivered", "progressed", "found", "absent", "unknown", "not_sent", "throttled",
    "rejected", "superseded", "reopened", "recovered", "late", "doubled", "repaired", "overridden",
)  # fmt: skip
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("status_target", sa.Column("has_check_runs", sa.Boolean(), nullable=True))
    _check_runs()
    op.create_table(
        "check_output",
        sa.Column("report_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("conclusion", sa.String(16), nullable=False),
        sa.Column("completed_at", TIME, nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("plain_summary", sa.Text(), nullable=False),
        sa.Column("annotations", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["status_report.id"], name="fk_check_output_report_id_status_report"),
        sa.PrimaryKeyConstraint("report_id", name="pk_check_output"),
    )
    if op.get_bind().dialect.name == "sqlite":
        rebuild("report_event", "'delivered',", "'delivered', 'progressed',")
    else:
        listed = ", ".join(f"'{kind}'" for kind in KINDS)
        op.drop_constraint(op.f("ck_report_event_eventkind"), "report_event")
        op.create_check_constraint(op.f("ck_report_event_eventkind"), "report_event", f"kind IN ({listed})")


def _check_runs() -> None:
    op.create_table(
        "check_run",
        sa.Column("id", BIG_KEY, nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("execution", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("marker", sa.String(24), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("github_id", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.SmallInteger(), nullable=False),
        sa.Column("plain", sa.Boolean(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("read_back", sa.Boolean(), nullable=False),
        sa.Column("second_id", sa.BigInteger(), nullable=True),
        sa.Column("second_said", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "said BETWEEN 0 AND 2 AND second_said BETWEEN 0 AND 3", name=op.f("ck_check_run_says_known_things")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_check_run_job_id_job"),
        sa.ForeignKeyConstraint(["target_id"], ["status_target.id"], name="fk_check_run_target_id_status_target"),
        sa.PrimaryKeyConstraint("id", name="pk_check_run"),
        sa.UniqueConstraint("job_id", "execution", name="uq_check_run_job_id_execution"),
        sa.UniqueConstraint("marker", name="uq_check_run_marker"),
    )
    op.create_index("ix_check_run_target_id", "check_run", ["target_id"])
