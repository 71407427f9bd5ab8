"""The tables. They hold facts; phases are derived, so that contradictory states cannot be stored.

Every constraint and index has a name, every time is UTC by the ledger's clock. State diagram: docs/guarantee.md.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, SmallInteger, UniqueConstraint
from sqlmodel import Field, SQLModel

from domain.delivery.report import EventKind
from domain.delivery.target import StatusState
from domain.jobs.job_states import JobState
from storage.columns import BigKey, named, partial_index
from storage.delivery.check_runs.tables import CheckOutput, CheckRun  # noqa: F401  # fills the metadata


class LedgerIdentity(SQLModel, table=True):
    """The ledger's id: one row, created by the migrations and never changed."""

    __tablename__ = "ledger"
    __table_args__ = (CheckConstraint("number = 1", name="only_one"),)

    number: int = Field(default=1, primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    id: UUID


class HostAnchor(SQLModel, table=True):
    """Ties the clock of a SQLite ledger to its host (storage/sqlite_clock.py): at most one row, of the latest boot.

    Not copied when the ledger is moved.
    """

    __tablename__ = "host_anchor"
    __table_args__ = (CheckConstraint("number = 1", name="only_one"),)

    number: int = Field(default=1, primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    boot: str = Field(max_length=64)
    booted_at: datetime  # the ledger's time when the host's CLOCK_BOOTTIME was zero


class Credential(SQLModel, table=True):
    """A GitHub credential by its name; never the secret. Its row is the lock for pause and budget."""

    __tablename__ = "credential"

    name: str = Field(primary_key=True, max_length=255)
    paused_until: datetime | None = None  # set while GitHub wants us to wait, and until an answer ends the pause
    pause_seconds: int | None = None  # how long the last pause in a row was; the next is twice that
    pause_reason: str | None = Field(default=None, max_length=32)  # `bad_credentials`: see `RefusedSecret`
    refused_until: datetime | None = None  # the latest end of the pauses of its refused secrets
    rate_limit: int | None = None
    rate_remaining: int | None = None
    rate_reset_at: datetime | None = None
    github_time: datetime | None = None  # GitHub's own, in its last answer
    reserved_at: datetime | None = None  # the last time reserved by a sender, to keep the spacing of the budget


class RefusedSecret(SQLModel, table=True):
    """A secret that GitHub answered with 401, by a keyed hash. Only senders with this secret pause.

    Guarded by the lock of its credential's row.
    """

    __tablename__ = "refused_secret"

    credential: str = Field(primary_key=True, foreign_key="credential.name", max_length=255)
    fingerprint: str = Field(primary_key=True, max_length=32)
    paused_until: datetime
    pause_seconds: int  # how long the last pause in a row was; the next is twice that


class WorkerToken(SQLModel, table=True):
    """The token that a worker's flow runs found for a credential, by the keyed hash of `RefusedSecret`."""

    __tablename__ = "worker_token"

    worker: str = Field(primary_key=True, max_length=255)  # Prefect's name of it
    credential: str = Field(primary_key=True, max_length=255)
    fingerprint: str | None = Field(default=None, max_length=32)  # none: it has no token
    version: str = Field(max_length=100)  # of Reportback and Prefect there
    noted_at: datetime


RARE_TIMES = ("doubt_until", "refused_since", "verify_at")
"""Of a target; each reconciliation run looks for those that have come, and for those too far ahead."""


class StatusTarget(SQLModel, table=True):
    """A (repository, sha, context). Everything that needs mutual exclusion is on this row."""

    __tablename__ = "status_target"
    __table_args__ = (
        UniqueConstraint("key"),
        CheckConstraint(
            "(lease IS NULL) = (sending_id IS NULL) AND (lease IS NULL) = (lease_expires_at IS NULL)",
            name="lease_whole",
        ),
        CheckConstraint("newest_id IS NOT NULL OR (due_at IS NULL AND sending_id IS NULL)", name="due_names_newest"),
        partial_index("ix_status_target_due_at", "due_at", where="due_at IS NOT NULL"),
        partial_index("ix_status_target_lease_expires_at", "lease_expires_at", where="lease IS NOT NULL"),
        *(partial_index(f"ix_status_target_{time}", time, where=f"{time} IS NOT NULL") for time in RARE_TIMES),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    key: str = Field(max_length=512)  # folded once, in Python: Target.key
    repository: str = Field(max_length=200)
    sha: str = Field(max_length=40)
    context: str = Field(max_length=255)
    turns: int = 0  # how many turns have been taken
    credential: str | None = Field(default=None, foreign_key="credential.name")
    newest_id: int | None = Field(default=None, sa_type=BigInteger)  # the current report
    sending_id: int | None = Field(default=None, sa_type=BigInteger)  # the report its sender claimed
    lease: UUID | None = None
    lease_expires_at: datetime | None = None
    doubt_until: datetime | None = None  # until then a request without an answer may still turn up
    due_at: datetime | None = None  # none: nothing to do
    attempts: int = 0  # claims so far; for information only
    bulk_at: datetime | None = None  # when the current report was reopened in bulk; none: by itself, or not at all
    refused_since: datetime | None = None  # the first refusal in a row that may heal
    verify_at: datetime | None = None  # when to verify whether a late request changed what GitHub shows
    has_check_runs: bool | None = None  # true: an execution of it reports as a check run
    last_error: str | None = Field(default=None, max_length=500)


class Job(SQLModel, table=True):
    """One request to run a docs command: one Prefect flow run. The row holds its latest execution."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("id"),
        CheckConstraint(
            "(target_id IS NULL) = (turn IS NULL) AND (target_id IS NULL OR url IS NOT NULL)",
            name="target_has_turn_and_url",
        ),
        CheckConstraint("(state IN ('waiting', 'running')) = (ended_at IS NULL)", name="over_has_end"),
        CheckConstraint("execution >= 1", name="execution_counts_from_1"),
        partial_index("uq_job_exclusive_group_running", "exclusive_group", where="state = 'running'", unique=True),
        Index("ix_job_target_id", "target_id"),
        Index("ix_job_ended_at", "ended_at", "number"),
    )  # fmt: skip

    number: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    id: UUID  # of the flow run
    type: str = Field(max_length=100)
    options: Mapping[str, Any] = Field(default_factory=dict, sa_type=JSON)
    target_id: int | None = Field(default=None, foreign_key="status_target.id", sa_type=BigInteger)
    url: str | None = Field(default=None, max_length=2000)  # where its statuses link to, before the marker
    execution: int = 1
    turn: int | None = None
    state: JobState = Field(default=JobState.WAITING, sa_type=named(JobState))
    exclusive_group: str | None = Field(default=None, max_length=100)
    host: str | None = Field(default=None, max_length=64)  # boot id
    pid: int | None = None
    pid_started: int | None = Field(default=None, sa_type=BigInteger)  # clock ticks after boot, from /proc
    beat_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    summary: str | None = Field(default=None, max_length=500)


class StatusReport(SQLModel, table=True):
    """One state of one execution, to be shown on GitHub. Its unique key makes recording idempotent."""

    __tablename__ = "status_report"
    __table_args__ = (
        UniqueConstraint("job_id", "execution", "state"),
        UniqueConstraint("marker"),
        CheckConstraint("(delivered_at IS NULL) = (github_status_id IS NULL)", name="delivered_has_id"),
        CheckConstraint("(rejected_at IS NULL) = (rejection IS NULL)", name="rejected_has_reason"),
        CheckConstraint("delivered_at IS NULL OR rejected_at IS NULL", name="settled_one_way"),
        CheckConstraint("(rank = 0) = (state = 'pending') AND rank BETWEEN 0 AND 2", name="rank_of_state"),
        Index("ix_status_report_target_id", "target_id"),
        Index("ix_status_report_created_at", "created_at"),
        partial_index("ix_status_report_rejected_at", "rejected_at", where="rejected_at IS NOT NULL"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    job_id: UUID = Field(foreign_key="job.id")
    execution: int
    state: StatusState = Field(sa_type=named(StatusState))
    target_id: int = Field(foreign_key="status_target.id", sa_type=BigInteger)
    turn: int
    rank: int = Field(sa_type=SmallInteger)
    edition: int = 1
    marker: str = Field(max_length=24)
    description: str = Field(max_length=140)
    target_url: str = Field(max_length=2100)  # carries the marker
    read_back: bool = False  # it was ever in doubt; never cleared, but for a check run: as that of its next request
    created_at: datetime
    not_before: datetime | None = None  # GitHub's own time before it was recorded: its statuses are not older
    delivered_at: datetime | None = None
    github_status_id: int | None = Field(default=None, sa_type=BigInteger)  # of its status, or its check run
    rejected_at: datetime | None = None
    rejection: str | None = Field(default=None, max_length=32)  # a domain.delivery.outcome.Reason


class ReportEvent(SQLModel, table=True):
    """An event in the history of a report. Append-only."""

    __tablename__ = "report_event"
    __table_args__ = (
        Index("ix_report_event_report_id", "report_id"),
        partial_index("ix_report_event_credential_at", "credential", "at", where="kind = 'posted'"),
    )  # fmt: skip

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    report_id: int = Field(foreign_key="status_report.id", sa_type=BigInteger)
    credential: str | None = Field(default=None, max_length=255)
    at: datetime
    kind: EventKind = Field(sa_type=named(EventKind))
    attempt: int | None = None  # the claim it belongs to, counted from 1
    http_status: int | None = None
    github_request_id: str | None = Field(default=None, max_length=100)
    seconds: float | None = None  # how long the request took
    actor: str = Field(max_length=100)  # task, reconciliation, or an operator
    note: str | None = Field(default=None, max_length=500)


class Reconciliation(SQLModel, table=True):
    """One reconciliation run."""

    __tablename__ = "reconciliation"
    __table_args__ = (Index("ix_reconciliation_started_at", "started_at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    run_id: UUID = Field(default_factory=uuid4)  # of the flow run
    started_at: datetime
    ended_at: datetime | None = None  # none: it is active, or it died
    delivered: int = 0
    undelivered: int = 0


class MetricTotal(SQLModel, table=True):
    """A stored counter or mark, see storage/counters.py."""

    __tablename__ = "metric_total"

    name: str = Field(primary_key=True, max_length=32)
    first: str = Field(default="", primary_key=True, max_length=100)
    second: str = Field(default="", primary_key=True, max_length=32)
    total: float
