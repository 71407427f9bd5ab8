"""A report: our duty to tell GitHub one state of one execution; which one speaks, and how it is found again."""

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid5

from domain.delivery.target import StatusState, Target

MARKER = re.compile(r"report[-=][0-9a-f]{24}")


class Rank(IntEnum):
    """Which of two reports of one execution speaks: the higher."""

    PENDING = 0
    THOUGHT_LOST = 1
    OWN_OUTCOME = 2


class Phase(StrEnum):
    """What a report is to an operator. Derived from facts, never stored: see `phase` in storage/delivery/reports.py."""

    DELIVERED = "delivered"  # GitHub has it
    SUPERSEDED = "superseded"  # something newer speaks for its target; it is never sent again
    REJECTED = "rejected"  # GitHub will not accept it; a person reopens it once the cause is gone
    SENDING = "sending"  # a sender holds the lease for it
    DUE = "due"  # the next sender whose time has come takes it


class EventKind(StrEnum):
    """What happened to a report. The story an operator reads."""

    RECORDED = "recorded"  # it became our duty
    CLAIMED = "claimed"  # a sender took the lease
    POSTED = "posted"  # the request may leave from here on
    DELIVERED = "delivered"  # GitHub answered 201
    FOUND = "found"  # reading back found it: delivered without another request
    ABSENT = "absent"  # reading back did not find it
    UNKNOWN = "unknown"  # the request may have been applied
    NOT_SENT = "not_sent"  # nothing left, or a read said nothing
    THROTTLED = "throttled"  # the credential pauses, or has no secret
    REJECTED = "rejected"  # GitHub will not accept it
    SUPERSEDED = "superseded"  # something newer speaks
    REOPENED = "reopened"  # a person had it tried again
    RECOVERED = "recovered"  # its sender's lease ran out
    LATE = "late"  # a sender came back after its lease had been taken away
    DOUBLED = "doubled"  # GitHub holds it twice: a request was sent late
    REPAIRED = "repaired"  # it was covered on GitHub, and is sent again
    OVERRIDDEN = "overridden"  # GitHub shows a newer status of the same context that is none of ours


@dataclass(frozen=True, slots=True)
class NewReport:
    """One state of one execution, as its source asks to have it shown on a target.

    `job_id` and `execution` name the execution, `target_id` the target's row, `turn` the execution's place there.
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
class Report:
    """What one request tells GitHub. `target_url` carries the marker."""

    target: Target
    state: StatusState
    description: str
    target_url: str
    marker: str


def supersedes(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether the report of (turn, rank) *one* speaks over that of *other*: the later turn, then the higher rank."""
    return one > other


def marker(job_id: UUID, execution: int, state: StatusState, edition: int) -> str:
    """The token by which a report finds its own status on GitHub: 24 hex digits, the same every time."""
    return uuid5(job_id, f"{execution}/{state}/{edition}").hex[:24]


def marked(url: str, mark: str) -> str:
    """*url* with the marker: as its fragment, or as a query parameter where it has a fragment of its own.

    A marker that *url* had before gives way: a link copied from one status must not answer for two reports.
    """
    parts = urlsplit(url)
    query = [part for part in parts.query.split("&") if part and not MARKER.fullmatch(part)]
    if not parts.fragment or MARKER.fullmatch(parts.fragment):
        return urlunsplit(parts._replace(query="&".join(query), fragment=f"report-{mark}"))
    return urlunsplit(parts._replace(query="&".join([*query, f"report={mark}"])))


def carries(url: str | None, mark: str) -> bool:
    """Whether the status that links to *url* is the report of marker *mark*."""
    return url is not None and (f"#report-{mark}" in url or f"report={mark}" in url)
