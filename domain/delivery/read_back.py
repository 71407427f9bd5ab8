"""Joins the pages of what a commit shows, decides how far back to read, and whether their order is certain."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.delivery.outcome import Posted

MARGIN = timedelta(minutes=1)
"""How far the clocks of GitHub's own servers may differ."""

LAG = timedelta(seconds=10)
"""Age from which all of GitHub's servers show a status: reads lag writes by 5 s, and its times have whole seconds."""


def is_beyond(page: Sequence[Posted], not_before: datetime | None, *, github_time: datetime | None) -> bool:
    """Whether *page* is older than everything that can be ours, so that no further page has to be read.

    All times are GitHub's, so that our clocks do not matter. *not_before*: GitHub's time before any of our reports was
    recorded; *github_time*: its time of this page. False if either is unknown or they contradict each other.
    """
    if not page or not_before is None or github_time is None or not_before > github_time:
        return False
    return all(one.created_at < not_before - MARGIN for one in page)


def is_stable(first_page: Sequence[Posted], *, github_time: datetime | None) -> bool:
    """Whether all of GitHub's servers show the list that begins with *first_page*, so that its pages fit together.

    A server that lags begins the next page further down, and statuses between the two pages would be missed.
    *github_time*: GitHub's time of the page; if unknown, the answer is no.
    """
    return github_time is not None and all(one.created_at <= github_time - LAG for one in first_page)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a commit shows, newest first, each once. Not `is_ordered`: the order of its pages is not certain."""

    posted: tuple[Posted, ...]
    is_ordered: bool


def joined(pages: Iterable[Sequence[Posted]]) -> Reading:
    """Join *pages* into one list.

    Something posted between two page reads moves the rest down: the next page repeats the end of the one before. Any
    other repetition means that the list moved by more than a page, or that servers with different lags answered.
    """
    listed: list[Posted] = []
    is_ordered = True
    for page in pages:
        known = {one.id for one in listed}
        new = [one for one in page if one.id not in known]
        repeated = page[: len(page) - len(new)]
        is_ordered &= [one.id for one in repeated] == [one.id for one in listed[len(listed) - len(repeated) :]]
        listed += new
    return Reading(tuple(listed), is_ordered)
