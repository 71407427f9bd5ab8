"""How far back a commit's statuses have to be read, and in which order they stand when they come in pages."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from domain.outcome import PostedStatus

MARGIN = timedelta(minutes=1)
"""How far GitHub's own servers may differ in what they call now."""


def is_beyond(page: Sequence[PostedStatus], not_before: datetime | None, *, github_time: datetime | None) -> bool:
    """Whether *page* lies behind everything that can be ours, so that no further page has to be read.

    All times are GitHub's own, so that no clock of ours decides. *not_before*: GitHub's time before anything of ours
    was recorded; *github_time*: its time of this page. Where either is unknown, or they contradict, the answer is no.
    """
    if not page or not_before is None or github_time is None or not_before > github_time:
        return False
    return all(status.created_at < not_before - MARGIN for status in page)
