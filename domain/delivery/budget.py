"""How many requests that create something a credential may make: GitHub's limits, kept before GitHub has to say so.

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


WAIT_OUT = timedelta(seconds=2)
"""How long a sender waits for the write budget, and how far ahead it may reserve a moment. A longer wait is `Busy`."""

MANY = 10
"""A person who reopens more reports than these at once reopens them in bulk."""


class Urgency(IntEnum):
    """How much of the write budget binds a request: what its member names, and all that is named before it."""

    MINUTE = 0  # the outcome of a job that ends now
    SPACING = 1  # an outcome that missed its task, or that a person asks for
    HOUR = 2  # `pending`, and what was reopened in bulk


@dataclass(frozen=True, slots=True)
class WriteBudget:
    """At most so many requests in any minute and any hour, and `spacing` between two of them.

    The minute binds all requests; the spacing and the hour bind by `Urgency`.
    """

    per_minute: int = 80
    per_hour: int = 500
    spacing: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a credential has sent: when last, and when the request that fills each window. None: never so many.

    `reserved_at`: the last moment that a sender has reserved.
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
    """How much of the write budget binds a report.

    *in_bulk*: a person had it reopened together with many others. *job_ends_now*: its sender is the task of a job that
    ends now.
    """
    if is_pending or in_bulk:
        return Urgency.HOUR
    return Urgency.MINUTE if job_ends_now else Urgency.SPACING


def free_at(
    spent: Spent, budget: WriteBudget, urgency: Urgency, *, moment: datetime | None = None, now: datetime
) -> datetime | None:
    """From when on the next request is within *budget*. None: it always was.

    *moment* was reserved by who asks: who is there less than the spacing after it need not keep any other distance. A
    reservation further ahead than one can be made is of a clock that was wrong, and counts for nothing.
    """
    moments = [spent.filled_minute_at + MINUTE] if spent.filled_minute_at else []
    is_punctual = moment is not None and moment <= now < moment + budget.spacing
    if urgency >= Urgency.SPACING and not is_punctual:
        taken = (at for at in (spent.last_at, spent.reserved_at) if at is not None and at <= now + WAIT_OUT)
        moments += [at + budget.spacing for at in taken]
    if urgency >= Urgency.HOUR:
        moments += [spent.filled_hour_at + HOUR] if spent.filled_hour_at else []
    return max(moments, default=None)
