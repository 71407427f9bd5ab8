"""Reports: one state of one execution to be shown on GitHub; their order, and the marker that identifies them."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from uuid import UUID, uuid5

from domain.delivery.target import StatusState, Target


class Rank(IntEnum):
    """Order of the reports of one execution: the higher rank supersedes the lower."""

    PENDING = 0
    THOUGHT_LOST = 1
    OWN_OUTCOME = 2


class Phase(StrEnum):
    """State of a report as operators see it. Derived, never stored: see `phase` in storage/delivery/reports.py."""

    DELIVERED = "delivered"  # GitHub has it
    SUPERSEDED = "superseded"  # a newer report is current for its target; it is never sent again
    REJECTED = "rejected"  # GitHub will not accept it; an operator reopens it once the cause is gone
    SENDING = "sending"  # a sender holds the lease for it
    DUE = "due"  # a sender takes it as soon as its time has come


class EventKind(StrEnum):
    """Kinds of events in a report's history."""

    RECORDED = "recorded"  # it was stored, to be delivered
    CLAIMED = "claimed"  # a sender took the lease
    POSTED = "posted"  # the request may leave from now on
    DELIVERED = "delivered"  # GitHub answered 201
    PROGRESSED = "progressed"  # one of the requests that it needs is done: a check run was made, or an older one closed
    FOUND = "found"  # reading back found it: delivered without another request
    ABSENT = "absent"  # reading back did not find it
    UNKNOWN = "unknown"  # the request may have been applied
    NOT_SENT = "not_sent"  # nothing was sent, or a read failed
    THROTTLED = "throttled"  # the credential pauses, or has no secret
    REJECTED = "rejected"  # GitHub will not accept it
    SUPERSEDED = "superseded"  # a newer report is current
    REOPENED = "reopened"  # an operator had it retried
    RECOVERED = "recovered"  # its sender's lease expired
    LATE = "late"  # a sender settled after its lease had been ended
    DOUBLED = "doubled"  # GitHub holds it twice: a request was sent late
    REPAIRED = "repaired"  # it was covered on GitHub, and is sent again
    OVERRIDDEN = "overridden"  # GitHub shows a newer status of the same context that is not ours


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report to record: one state of one execution, to be shown on a target.

    `job_id` and `execution` name the execution, `target_id` the target's row, `turn` the execution's turn there.
    `description` may be of any length; `url` is absolute, without the marker.
    """

    job_id: UUID
    execution: int
    state: StatusState
    target_id: int
    turn: int
    rank: Rank
    description: str
    url: str


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """A report in the ledger: the ids of its row and of its target's, and its rank."""

    id: int
    target_id: int
    rank: Rank


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says on GitHub. `target_url` carries the marker, if it is shown as a status."""

    target: Target
    state: StatusState
    description: str
    target_url: str
    marker: str


def supersedes(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether the report of (turn, rank) *one* supersedes that of *other*: the later turn, then the higher rank."""
    return one > other


def marker(job_id: UUID, execution: int, state: StatusState, edition: int) -> str:
    """The marker that identifies on GitHub what shows a report: 24 hex digits, always the same for one edition."""
    return uuid5(job_id, f"{execution}/{state}/{edition}").hex[:24]
