"""Notifications: what the ledger has just committed, to be published as a log line or as a Prefect event."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from domain.delivery.report import EventKind
from domain.delivery.target import StatusState, Target


@dataclass(frozen=True, slots=True)
class ReportName:
    """Identifies the report of a notification."""

    id: int
    state: StatusState
    job_id: UUID
    execution: int
    target: Target


@dataclass(frozen=True, slots=True)
class Move:
    """An event of a report's history.

    `rejection` is set if GitHub refuses the report for good, `attempt` if the event belongs to a claim.
    """

    report: ReportName
    rejection: str | None
    kind: EventKind
    at: datetime
    actor: str
    credential: str | None = None
    attempt: int | None = None
    http_status: int | None = None
    request_id: str | None = None
    seconds: float | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Overdue:
    """The current report of a target has been undelivered for long; `last_error` is of its last try."""

    report: ReportName
    recorded_at: datetime
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Paused:
    """A credential's pause began or was prolonged: nothing is sent with it before `until`."""

    credential: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """An operator, `actor`, ended the pauses of a credential."""

    credential: str
    actor: str


@dataclass(frozen=True, slots=True)
class Lost:
    """An execution was ended as lost; `words` is its description on the commit."""

    job_id: UUID
    execution: int
    words: str


@dataclass(frozen=True, slots=True)
class NeverStarted:
    """A flow run died before its job was accepted; `words` says how, or why nothing is reported for it."""

    job_id: UUID
    words: str


@dataclass(frozen=True, slots=True)
class Covered:
    """One outcome covers another on GitHub whose job had other options; `words` says which."""

    job_id: UUID
    words: str


Announcement: TypeAlias = Overdue | Paused | Resumed | Lost | NeverStarted | Covered
Notification: TypeAlias = Move | Announcement
Publish: TypeAlias = Callable[[Notification], None]
"""Publishes a notification. Must not raise and must return at once: the sender waits for it."""


def ignore(_: Notification) -> None:
    """Default publisher: ignores notifications."""
