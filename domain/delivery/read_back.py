"""Joins the pages of a commit's statuses, decides how far back to read, and whether their order is certain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.delivery.outcome import PostedStatus

MARGIN = timedelta(minutes=1)
"""How far the clocks of GitHub's own servers may differ."""

LAG = timedelta(seconds=10)
"""Age from which all of GitHub's servers show a status: reads lag writes by 5 s, and its times have whole seconds."""


def is_in(context: str, status: PostedStatus) -> bool:
    """Whether *status* is of this *context*, of which GitHub ignores the letter case."""
    return status.context.lower() == context.lower()


def is_beyond(page: Sequence[PostedStatus], not_before: datetime | None, *, github_time: datetime | None) -> bool:
    """Whether *page* is older than everything that can be ours, so that no further page has to be read.

    All times are GitHub's, so that our clocks do not matter. *not_before*: GitHub's time before any of our reports was
    recorded; *github_time*: its time of this page. False if either is unknown or they contradict each other.
    """
    if not page or not_before is None or github_time is None or not_before > github_time:
        return False
    return all(status.created_at < not_before - MARGIN for status in page)


def is_stable(first_page: Sequence[PostedStatus], *, github_time: datetime | None) -> bool:
    """Whether all of GitHub's servers show the list that begins with *first_page*, so that its pages fit together.

    A server that lags begins the next page further down, and statuses between the two pages would be missed.
    *github_time*: GitHub's time of the page; if unknown, the answer is no.
    """
    return github_time is not None and all(status.created_at <= github_time - LAG for status in first_page)


@dataclass(frozen=True, slots=True)
class Reading:
    """A commit's statuses, newest first, each once. Not `is_ordered`: the order of its pages is not certain."""

    statuses: tuple[PostedStatus, ...]
    is_ordered: bool


def joined(pages: Iterable[Sequence[PostedStatus]]) -> Reading:
    """Join *pages* into one list.

    A status posted between two page reads moves the rest down: the next page repeats the end of the one before. Any
    other repetition means that the list moved by more than a page, or that servers with different lags answered.
    """
    listed: list[PostedStatus] = []
    is_ordered = True
    for page in pages:
        known = {status.id for status in listed}
        new = [status for status in page if status.id not in known]
        repeated = page[: len(page) - len(new)]
        is_ordered &= [status.id for status in repeated] == [
            status.id for status in listed[len(listed) - len(repeated) :]
        ]
        listed += new
    return Reading(tuple(listed), is_ordered)
