"""News: what the ledger has just committed that somebody may want to hear of, as a line in a log or as an event."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from domain.delivery.report import EventKind
from domain.delivery.target import StatusState, Target


@dataclass(frozen=True, slots=True)
class ReportName:
    """Which report it is about."""

    id: int
    state: StatusState
    job_id: UUID
    execution: int
    target: Target


@dataclass(frozen=True, slots=True)
class Move:
    """Something happened to a report: an event of its story.

    `rejection` is set where GitHub refuses it for good, `attempt` where it happened to a claim. `note` is in words.
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
    """A report that speaks for its target has been undelivered for long; `last_error` is of its last try."""

    report: ReportName
    recorded_at: datetime
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Paused:
    """A credential pauses, or goes on pausing: nothing is sent with it until then."""

    credential: str
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """A person, `actor`, ended the pauses of a credential."""

    credential: str
    actor: str


@dataclass(frozen=True, slots=True)
class Lost:
    """An execution was ended as lost; `words` stand on its commit."""

    job_id: UUID
    execution: int
    words: str


Notification: TypeAlias = Move | Overdue | Paused | Resumed | Lost
Publish: TypeAlias = Callable[[Notification], None]
"""Who is told. It must neither raise nor take its time: whoever delivers waits for it."""


def ignore(_: Notification) -> None:
    """Who is told where nobody listens."""
