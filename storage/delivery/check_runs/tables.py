"""The tables of check runs; those of everything else are in storage/models.py."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, SmallInteger, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.columns import BigKey


class CheckRun(SQLModel, table=True):
    """The check run of an execution that reports as one: what GitHub is known to have of it."""

    __tablename__ = "check_run"
    __table_args__ = (
        UniqueConstraint("job_id", "execution"),
        UniqueConstraint("marker"),
        CheckConstraint("said BETWEEN 0 AND 2 AND second_said BETWEEN 0 AND 3", name="says_known_things"),
        Index("ix_check_run_target_id", "target_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    job_id: UUID = Field(foreign_key="job.id")
    execution: int
    target_id: int = Field(foreign_key="status_target.id", sa_type=BigInteger)
    turn: int
    marker: str = Field(max_length=24)
    started_at: datetime  # when the execution was accepted
    generation: int = 1  # counts the runs made for it: GitHub deleted or covered those before
    github_id: int | None = Field(default=None, sa_type=BigInteger)  # none: it is not known to have been made
    said: int = Field(default=0, sa_type=SmallInteger)  # the rank of the end that GitHub has; 0: none
    plain: bool = False  # its end is sent without annotations
    closed: bool = False
    read_back: bool = False  # a request about it may have been applied: it is read before the next one
    second_id: int | None = Field(default=None, sa_type=BigInteger)  # GitHub's id of a second run of this execution
    second_said: int = Field(default=0, sa_type=SmallInteger)


class CheckOutput(SQLModel, table=True):
    """What a report shows in its check run beside its description; only of outcomes."""

    __tablename__ = "check_output"

    report_id: int = Field(primary_key=True, foreign_key="status_report.id", sa_type=BigInteger)
    conclusion: str = Field(max_length=16)  # a domain.delivery.check_output.Conclusion
    completed_at: datetime
    summary: str = Field(sa_type=Text)
    plain_summary: str = Field(sa_type=Text)  # with the annotations as a table
    annotations: Sequence[Mapping[str, Any]] = Field(sa_type=JSON)
