"""How many requests that create something a credential may make: GitHub's limits, kept before GitHub has to say so.

GitHub: "in general, no more than 80 content-generating requests per minute and no more than 500 per hour", and at least
a second between them. https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
https://docs.github.com/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
OFF = "off"
WRITTEN = re.compile(r"(?P<per_minute>[1-9]\d{0,4})/min\s*,\s*(?P<per_hour>[1-9]\d{0,5})/h")


@dataclass(frozen=True, slots=True)
class WriteBudget:
    """At most so many requests in any minute and any hour, and `spacing` between two of them.

    The minute binds all. The hour and the spacing bind `pending` and backlog, not the outcome of a job that ends now.
    """

    per_minute: int = 80
    per_hour: int = 500
    spacing: timedelta = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a credential has sent: when last, and when the request that fills each window. None: never so many."""

    last_at: datetime | None = None
    filled_minute_at: datetime | None = None
    filled_hour_at: datetime | None = None


def parse_budget(text: str) -> WriteBudget | None:
    """The budget written as "80/min,500/h"; None for "off".

    Raises:
        ValueError: it is neither.
    """
    if text.strip().lower() == OFF:
        return None
    found = WRITTEN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'{text!r} is no write budget; allowed: such as "80/min,500/h", or "{OFF}"')
    return WriteBudget(int(found["per_minute"]), int(found["per_hour"]))


def free_at(spent: Spent, budget: WriteBudget, *, is_outcome_now: bool) -> datetime | None:
    """From when on the next request is within *budget*. None: it always was.

    *is_outcome_now*: it is the outcome of a job that ends now, for which somebody waits.
    """
    moments = [spent.filled_minute_at + MINUTE] if spent.filled_minute_at else []
    if not is_outcome_now:
        moments += [spent.filled_hour_at + HOUR] if spent.filled_hour_at else []
        moments += [spent.last_at + budget.spacing] if spent.last_at else []
    return max(moments, default=None)
