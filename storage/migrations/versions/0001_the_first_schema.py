"""The first schema.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "credential",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_seconds", sa.Integer(), nullable=True),
        sa.Column("pause_reason", sa.String(32), nullable=True),
        sa.Column("rate_limit", sa.Integer(), nullable=True),
        sa.Column("rate_remaining", sa.Integer(), nullable=True),
        sa.Column("rate_reset_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_credential"),
    )
    op.create_table(
        "reconciliation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("undelivered", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reconciliation"),
    )
    op.create_index("ix_reconciliation_started_at", "reconciliation", ["started_at"], unique=False)
    op.create_table(
        "status_target",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(512), nullable=False),
        sa.Column("repository", sa.String(200), nullable=False),
        sa.Column("sha", sa.String(40), nullable=False),
        sa.Column("context", sa.String(255), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("credential", sa.String(), nullable=True),
        sa.Column("newest_id", sa.BigInteger(), nullable=True),
        sa.Column("sending_id", sa.BigInteger(), nullable=True),
        sa.Column("lease", sa.Uuid(), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("doubt_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("refused_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verify_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(500), nullable=True),
        sa.CheckConstraint(
            "(lease IS NULL) = (sending_id IS NULL) AND (lease IS NULL) = (lease_expires_at IS NULL)",
            name=op.f("ck_status_target_lease_whole"),
        ),
        sa.CheckConstraint(
            "newest_id IS NOT NULL OR (due_at IS NULL AND sending_id IS NULL)",
            name=op.f("ck_status_target_due_names_newest"),
        ),
        sa.ForeignKeyConstraint(["credential"], ["credential.name"], name="fk_status_target_credential_credential"),
        sa.PrimaryKeyConstraint("id", name="pk_status_target"),
        sa.UniqueConstraint("key", name="uq_status_target_key"),
    )
    op.create_index(
        "ix_status_target_due_at",
        "status_target",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_status_target_lease_expires_at",
        "status_target",
        ["lease_expires_at"],
        unique=False,
        postgresql_where=sa.text("lease IS NOT NULL"),
        sqlite_where=sa.text("lease IS NOT NULL"),
    )
    op.create_table(
        "job",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.String(2000), nullable=True),
        sa.Column("execution", sa.Integer(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "succeeded",
                "failed",
                "timed_out",
                "cancelled",
                "crashed",
                "lost",
                name="jobstate",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("exclusive_group", sa.String(100), nullable=True),
        sa.Column("host", sa.String(64), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("pid_started", sa.BigInteger(), nullable=True),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("summary", sa.String(500), nullable=True),
        sa.CheckConstraint("(state IN ('waiting', 'running')) = (ended_at IS NULL)", name=op.f("ck_job_over_has_end")),
        sa.CheckConstraint(
            "(target_id IS NULL) = (turn IS NULL) AND (target_id IS NULL OR url IS NOT NULL)",
            name=op.f("ck_job_target_has_turn_and_url"),
        ),
        sa.CheckConstraint("execution >= 1", name=op.f("ck_job_execution_counts_from_1")),
        sa.ForeignKeyConstraint(["target_id"], ["status_target.id"], name="fk_job_target_id_status_target"),
        sa.PrimaryKeyConstraint("number", name="pk_job"),
        sa.UniqueConstraint("id", name="uq_job_id"),
    )
    op.create_index(
        "ix_job_beat_at",
        "job",
        ["beat_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'running')"),
        sqlite_where=sa.text("state IN ('waiting', 'running')"),
    )
    op.create_index(
        "uq_job_exclusive_group_running",
        "job",
        ["exclusive_group"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
        sqlite_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "status_report",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("execution", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "success",
                "failure",
                "error",
                name="statusstate",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("marker", sa.String(24), nullable=False),
        sa.Column("description", sa.String(140), nullable=False),
        sa.Column("target_url", sa.String(2100), nullable=False),
        sa.Column("read_back", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("github_status_id", sa.BigInteger(), nullable=True),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rejection", sa.String(32), nullable=True),
        sa.CheckConstraint(
            "(rank = 0) = (state = 'pending') AND rank BETWEEN 0 AND 2", name=op.f("ck_status_report_rank_of_state")
        ),
        sa.CheckConstraint(
            "(delivered_at IS NULL) = (github_status_id IS NULL)", name=op.f("ck_status_report_delivered_has_id")
        ),
        sa.CheckConstraint(
            "(rejected_at IS NULL) = (rejection IS NULL)", name=op.f("ck_status_report_rejected_has_reason")
        ),
        sa.CheckConstraint(
            "delivered_at IS NULL OR rejected_at IS NULL", name=op.f("ck_status_report_settled_one_way")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name="fk_status_report_job_id_job"),
        sa.ForeignKeyConstraint(["target_id"], ["status_target.id"], name="fk_status_report_target_id_status_target"),
        sa.PrimaryKeyConstraint("id", name="pk_status_report"),
        sa.UniqueConstraint("job_id", "execution", "state", name="uq_status_report_job_id_execution_state"),
        sa.UniqueConstraint("marker", name="uq_status_report_marker"),
    )
    op.create_index("ix_status_report_target_id", "status_report", ["target_id"], unique=False)
    op.create_table(
        "report_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("credential", sa.String(255), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "recorded",
                "claimed",
                "posted",
                "delivered",
                "found",
                "absent",
                "unknown",
                "not_sent",
                "throttled",
                "rejected",
                "superseded",
                "reopened",
                "recovered",
                "late",
                "doubled",
                "repaired",
                name="eventkind",
                native_enum=False,
                create_constraint=True,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("github_request_id", sa.String(100), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("note", sa.String(500), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["status_report.id"], name="fk_report_event_report_id_status_report"),
        sa.PrimaryKeyConstraint("id", name="pk_report_event"),
    )
    op.create_index(
        "ix_report_event_credential_at",
        "report_event",
        ["credential", "at"],
        unique=False,
        postgresql_where=sa.text("kind = 'posted'"),
        sqlite_where=sa.text("kind = 'posted'"),
    )
    op.create_index("ix_report_event_report_id", "report_event", ["report_id"], unique=False)
