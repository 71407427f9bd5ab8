"""The delivery policy: lease and timeout lengths, backoff, pauses and when to give up. Pure arithmetic on times."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.delivery.budget import WriteBudget

LONGEST_BACKOFF = timedelta(hours=1)
SPREAD = 0.2
"""Jitter: a backoff varies by up to this share in both directions, so that joint failures are retried apart."""

MOST_SENDERS = 64
"""Targets that one reconciliation run may deliver concurrently."""

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """The times of one installation.

    lease         how long one claim gives the right to send for a target; at least twice `timeout`
    timeout       deadline of a whole request
    settle_after  how long a request without an answer may still turn up
    first_delay   the shortest backoff of the reconciliation
    """

    lease: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(seconds=15)
    settle_after: timedelta = timedelta(seconds=20)
    first_delay: timedelta = timedelta(seconds=60)
    heal_for: timedelta = timedelta(hours=1)  # how long a missing commit or a 404 is worth another try
    expire_after: timedelta = timedelta(days=7)  # how long all tries may fail before an operator has to look
    expire_after_days_of_tries: int = 5  # and on how many different days (UTC) it must have been tried
    unverifiable_after: int = 5  # 2xx answers that reading back never confirmed
    budget: WriteBudget | None = None  # None: unlimited

    @property
    def longest_backoff(self) -> timedelta:
        """The longest wait of a report for its next try."""
        return max(self.first_delay, LONGEST_BACKOFF) * (1 + SPREAD)


def backoff(age: timedelta, *, first_delay: timedelta, jitter: float) -> timedelta:
    """How long the reconciliation waits before it retries a report: half its *age*, from `first_delay` to 1 hour.

    *jitter* is from -1 to 1 and moves the wait by up to 20 % of itself.
    """
    wait = min(max(age / 2, first_delay), max(first_delay, LONGEST_BACKOFF))
    return wait * (1 + SPREAD * jitter)


def pause(named_until: datetime | None, previous: timedelta | None, *, now: datetime) -> timedelta:
    """How long a throttled credential pauses: until the time GitHub named, else 1 minute, doubling with each in a row.

    At most 1 hour: GitHub's hourly limit resets within that, and an absurd header must not block a credential.
    """
    if named_until is not None:
        return min(max(named_until - now, timedelta(seconds=1)), LONGEST_PAUSE)
    if previous is None:
        return FIRST_PAUSE
    return min(max(previous * 2, FIRST_PAUSE), LONGEST_PAUSE)
