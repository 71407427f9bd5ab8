"""Decides from an attempt's outcome what to store for its report: the table of docs/guarantee.md, as pure code."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import assert_never

from domain.delivery.outcome import (
    Delivered,
    NoToken,
    NotSent,
    Outcome,
    Reason,
    Rejected,
    StaleToken,
    Throttled,
    Unknown,
    note_of,
)
from domain.delivery.policy import Policy, backoff
from domain.delivery.report import EventKind


@dataclass(frozen=True, slots=True)
class Tries:
    """A report's tries so far. The last three are counted since it was recorded or, later, reopened."""

    created_at: datetime
    refused_since: datetime | None = None  # the first refusal in a row that may heal
    failing_since: datetime | None = None  # the first try that ended NotSent or Unknown
    failed_on: frozenset[date] = frozenset()  # the days, in UTC, of such tries
    unconfirmed: int = 0  # requests answered 2xx that were not recognised


@dataclass(frozen=True, slots=True)
class Settlement:
    """What to store. `due_at` None: the report is settled."""

    kind: EventKind
    note: str = ""
    status_id: int | None = None
    rejection: Reason | None = None
    due_at: datetime | None = None
    doubt_until: datetime | None = None
    refused_since: datetime | None = None

    @property
    def read_back(self) -> bool:
        """Whether GitHub's list must be read before the report is ever sent again: it may turn up there."""
        return self.doubt_until is not None


def settle(outcome: Outcome, tries: Tries, policy: Policy, *, now: datetime, jitter: float) -> Settlement:
    """The settlement of an attempt that ends *now* with *outcome*. *jitter* is from -1 to 1."""
    later = now + backoff(now - tries.created_at, first_delay=policy.first_delay, jitter=jitter)
    match outcome:
        case Delivered(status_id):
            return Settlement(EventKind.DELIVERED, status_id=status_id)
        case Rejected(reason, message, may_heal=True):
            since = tries.refused_since or now
            if now - since < policy.heal_for:
                return Settlement(EventKind.REJECTED, note_of(outcome), due_at=later, refused_since=since)
            return rejected(reason, message)
        case Rejected(reason, message):
            return rejected(reason, message)
        case Throttled():
            return Settlement(EventKind.THROTTLED, note_of(outcome), due_at=now)
        case NoToken() | StaleToken():
            due_at = now + outcome.again_in if isinstance(outcome, StaleToken) else later
            return Settlement(EventKind.THROTTLED, note_of(outcome), due_at=due_at, refused_since=tries.refused_since)
        case NotSent() | Unknown() if _is_expired(tries, policy, now):
            may_turn_up = now + policy.settle_after if isinstance(outcome, Unknown) else None
            return replace(_expired(note_of(outcome), policy), doubt_until=may_turn_up)
        case NotSent():
            return Settlement(EventKind.NOT_SENT, note_of(outcome), due_at=later, refused_since=tries.refused_since)
        case Unknown():
            doubt = now + policy.settle_after
            return Settlement(
                EventKind.UNKNOWN, note_of(outcome), due_at=later, doubt_until=doubt, refused_since=tries.refused_since
            )
        case other:
            assert_never(other)


def rejected(reason: Reason, message: str) -> Settlement:
    """The settlement of a report that GitHub will not accept; *message* quotes it."""
    return Settlement(EventKind.REJECTED, f"{reason}: {message}", rejection=reason)


def _expired(why: str, policy: Policy) -> Settlement:
    return rejected(Reason.EXPIRED, f"nothing got through for {policy.expire_after.days} days; last: {why}")


def _is_expired(tries: Tries, policy: Policy, now: datetime) -> bool:
    """Whether tries have failed for long enough, on enough days: a machine that was off for a week tried nothing."""
    if tries.failing_since is None or now - tries.failing_since < policy.expire_after:
        return False
    return len(tries.failed_on | {now.astimezone(UTC).date()}) >= policy.expire_after_days_of_tries
