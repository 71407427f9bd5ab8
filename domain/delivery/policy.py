"""When to try again, how long to hold on, when to give up: arithmetic on times handed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.delivery.budget import WriteBudget

LONGEST_BACKOFF = timedelta(hours=1)
SPREAD = 0.2
"""A backoff varies by up to this share in both directions, so that what failed together does not return together."""

MOST_SENDERS = 64
"""Targets that one pass may speak about at once."""

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Policy:
    """The times of one installation.

    lease         how long one claim gives the right to speak to GitHub about a target; at least twice `timeout`
    timeout       one deadline over a whole request
    settle_after  how long a request we lost sight of may still turn up
    first_delay   the shortest backoff of the reconciliation
    """

    lease: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(seconds=15)
    settle_after: timedelta = timedelta(seconds=20)
    first_delay: timedelta = timedelta(seconds=60)
    heal_for: timedelta = timedelta(hours=1)  # how long a missing commit or a 404 is worth another try
    expire_after: timedelta = timedelta(days=7)  # how long nothing may get through before a person must look
    expire_after_days_of_tries: int = 5  # and on how many different days (UTC) it must have been tried
    unverifiable_after: int = 5  # 2xx answers that reading back never confirmed
    budget: WriteBudget | None = None  # None: as many requests as there are

    @property
    def longest_backoff(self) -> timedelta:
        """No report waits longer than this for its next try."""
        return max(self.first_delay, LONGEST_BACKOFF) * (1 + SPREAD)


def backoff(age: timedelta, *, first_delay: timedelta, jitter: float) -> timedelta:
    """How long the reconciliation waits with a report of this *age*: half of it, within `first_delay` and 1 hour.

    *jitter* is from -1 to 1 and moves the wait by up to 20 % of itself.
    """
    wait = min(max(age / 2, first_delay), max(first_delay, LONGEST_BACKOFF))
    return wait * (1 + SPREAD * jitter)


def pause(named_until: datetime | None, previous: timedelta | None, *, now: datetime) -> timedelta:
    """How long a throttled credential pauses: until GitHub's own time, else 1 minute, doubling with each in a row.

    At most 1 hour: GitHub's hourly limit resets within that, and no absurd header may silence a credential for good.
    """
    if named_until is not None:
        return min(max(named_until - now, timedelta(seconds=1)), LONGEST_PAUSE)
    if previous is None:
        return FIRST_PAUSE
    return min(max(previous * 2, FIRST_PAUSE), LONGEST_PAUSE)
