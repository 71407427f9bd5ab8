"""How far back a commit's statuses have to be read, and in which order they stand when they come in pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.delivery.outcome import PostedStatus

MARGIN = timedelta(minutes=1)
"""How far GitHub's own servers may differ in what they call now."""

LAG = timedelta(seconds=10)
"""How old a status is that all of GitHub's servers show: reads lag writes by 5 s, and its times have whole seconds."""


def is_in(context: str, status: PostedStatus) -> bool:
    """Whether *status* is of this *context*, of which GitHub ignores the letter case."""
    return status.context.lower() == context.lower()


def is_beyond(page: Sequence[PostedStatus], not_before: datetime | None, *, github_time: datetime | None) -> bool:
    """Whether *page* lies behind everything that can be ours, so that no further page has to be read.

    All times are GitHub's own, so that no clock of ours decides. *not_before*: GitHub's time before anything of ours
    was recorded; *github_time*: its time of this page. Where either is unknown, or they contradict, the answer is no.
    """
    if not page or not_before is None or github_time is None or not_before > github_time:
        return False
    return all(status.created_at < not_before - MARGIN for status in page)


def stood_still(first_page: Sequence[PostedStatus], *, github_time: datetime | None) -> bool:
    """Whether all of GitHub's servers show the list that begins with *first_page*, so that its pages fit together.

    From a server that lags, the next page begins further down, and what stands between the two is on neither.
    *github_time*: GitHub's time of the page; unknown, nothing is certain.
    """
    return github_time is not None and all(status.created_at <= github_time - LAG for status in first_page)


@dataclass(frozen=True, slots=True)
class Reading:
    """A commit's statuses, newest first, each once. Not `is_ordered`: which of two pages is newer cannot be told."""

    statuses: tuple[PostedStatus, ...]
    is_ordered: bool


def joined(pages: Iterable[Sequence[PostedStatus]]) -> Reading:
    """The list that several pages make.

    A status that is posted between two page reads moves the rest down: the next page begins with the end of the one
    before. Any other repetition means that the list moved by more than a page, or that servers which lag by different
    times answered.
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
