"""The write budget: how many create requests a credential may make, kept within GitHub's limits in advance.

GitHub: "in general, no more than 80 content-generating requests per minute and no more than 500 per hour", and at least
a second between them. https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from domain.text import quoted

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
OFF = "off"
WRITTEN = re.compile(r"(?P<per_minute>[1-9]\d{0,4})/min\s*,\s*(?P<per_hour>[1-9]\d{0,5})/h")


BUDGET_WAIT = timedelta(seconds=2)
"""How long a sender waits for the write budget, and how far ahead it may reserve a time. A longer wait is `Busy`."""

BULK_SIZE = 10
"""Reopening more reports than this at once counts as bulk."""


class Urgency(IntEnum):
    """Which limits of the write budget apply to a request: the one its member names and all before it."""

    MINUTE = 0  # the outcome of a job that ends now
    SPACING = 1  # an outcome its own task did not deliver, or that an operator retries
    HOUR = 2  # `pending`, and reports reopened in bulk


@dataclass(frozen=True, slots=True)
class WriteBudget:
    """The most requests in any minute and in any hour, and the `spacing` between two of them.

    The minute applies to all requests, the spacing and the hour by `Urgency`.
    """

    per_minute: int = 80
    per_hour: int = 500
    spacing: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """When a credential sent its last request, and the request that fills each window. None: not so many yet.

    `reserved_at`: the last time that a sender has reserved.
    """

    last_at: datetime | None = None
    filled_minute_at: datetime | None = None
    filled_hour_at: datetime | None = None
    reserved_at: datetime | None = None


def parse_budget(text: str) -> WriteBudget | None:
    """The budget written as "80/min,500/h"; None for "off".

    Raises:
        ValueError: it is neither.
    """
    if text.strip().lower() == OFF:
        return None
    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'{quoted(text)} is no write budget; allowed: such as "80/min,500/h", or "{OFF}"')
    return WriteBudget(int(found["per_minute"]), int(found["per_hour"]))


def urgency_of(*, is_pending: bool, in_bulk: bool, job_ends_now: bool) -> Urgency:
    """Which limits of the write budget apply to a report.

    *in_bulk*: it was reopened together with many others. *job_ends_now*: its sender is the task of the job that has
    just ended.
    """
    if is_pending or in_bulk:
        return Urgency.HOUR
    return Urgency.MINUTE if job_ends_now else Urgency.SPACING


def free_at(
    spent: Spent, budget: WriteBudget, urgency: Urgency, *, moment: datetime | None = None, now: datetime
) -> datetime | None:
    """When the next request is within *budget*. None: at any time.

    *moment*: the time this sender reserved; within one spacing after it the spacing to other requests is not checked.
    A reservation further ahead than `BUDGET_WAIT` was written by a wrong clock and is ignored.
    """
    moments = [spent.filled_minute_at + MINUTE] if spent.filled_minute_at else []
    is_punctual = moment is not None and moment <= now < moment + budget.spacing
    if urgency >= Urgency.SPACING and not is_punctual:
        taken = (at for at in (spent.last_at, spent.reserved_at) if at is not None and at <= now + BUDGET_WAIT)
        moments += [at + budget.spacing for at in taken]
    if urgency >= Urgency.HOUR:
        moments += [spent.filled_hour_at + HOUR] if spent.filled_hour_at else []
    return max(moments, default=None)
