"""The result of a check of `reportback doctor`."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was checked; `words` describe it or, unless it is ok, say what is wrong and what to do."""

    what: str
    ok: bool
    words: str


def plain_time(moment: datetime) -> datetime:
    """*moment* of Prefect's, whose differences are no timedelta, as Python's own."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)


def good(what: str, words: str) -> Finding:
    """A finding without a problem."""
    return Finding(what, ok=True, words=words)


def bad(what: str, words: str) -> Finding:
    """A problem, with what to do."""
    return Finding(what, ok=False, words=words)
