"""The commit status as a surface: appended to a commit, never changed, found by the marker in its link. Pure.

https://docs.github.com/rest/commits/statuses
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from domain.delivery.outcome import Posted
from domain.delivery.read_back import MARGIN, Reading
from domain.delivery.surface import AppendedKind, Ours, Shown
from domain.delivery.target import Target
from domain.text import fit_description

MARKER = re.compile(r"report=[0-9a-f]{24}")
DIRECTIVES = ":~:"
"""Between a fragment and its directives."""

MAX_CONTEXT = 255
"""Characters GitHub takes in a status's context; a longer one is answered 422."""


def short_enough(context: str) -> str:
    """*context*, if it has at most 255 characters in lower case too, where "İ" has two. Raises ValueError otherwise.

    `Target.key` holds it in lower case.
    """
    if len(context.lower()) > MAX_CONTEXT:
        raise ValueError(f"must have at most {MAX_CONTEXT} characters, also once it is in lower case")
    return context


def marked(url: str, mark: str) -> str:
    """*url* with the marker as a directive of its fragment, which browsers remove before a page's scripts see it.

    https://wicg.github.io/scroll-to-text-fragment/#the-fragment-directive
    A marker that *url* already had is removed: a link copied from one status must not match two reports.
    """
    before, others = _parted(url)
    kept = [one for one in others if one and not MARKER.fullmatch(one)]
    return f"{before}{DIRECTIVES}{'&'.join([*kept, f'report={mark}'])}"


def carries(url: str | None, mark: str) -> bool:
    """Whether *url*, a status's link, carries the marker *mark*."""
    return url is not None and f"report={mark}" in _parted(url)[1]


def _parted(url: str) -> tuple[str, list[str]]:
    """*url* up to its fragment's directives, with the `#` of a fragment; and the directives."""
    page, _, fragment = url.partition("#")
    anchor, _, directives = fragment.partition(DIRECTIVES)
    return f"{page}#{anchor}", directives.split("&")


def is_marked(status: Posted, mark: str) -> bool:
    """Whether the link of *status* carries the marker *mark*."""
    return carries(status.target_url, mark)


def is_at(status: Posted, target: Target) -> bool:
    """Whether *status* is of the target's context, of which GitHub ignores the letter case."""
    return status.context.lower() == target.context.lower()


def shown(reading: Reading, target: Target, ours: Ours) -> Shown:
    """What *reading* shows of the target.

    Only the order of the list decides which of two statuses is newer: GitHub does not promise that ids grow, and its
    times have whole seconds. While a status that is not ours is on top, nothing counts as covered: sending the newest
    report again would undo what another user decided.
    """
    listed = [status for status in reading.posted if is_at(status, target)]
    doubled = _doubled(listed, ours)
    own = next((status for status in listed if status.id == ours.own), None)
    if own is None or not reading.is_ordered:
        return Shown(doubled, is_clear=False)
    top = listed[0]
    report = _report_of(top, ours)
    is_unmarked = not _marks_of(own, ours)
    if report is None:
        return Shown(doubled, is_clear=True, overriding=top, is_unmarked=is_unmarked)
    if report == ours.newest:
        return Shown(doubled, is_clear=True, is_unmarked=is_unmarked)
    is_clear = top.created_at >= own.created_at - MARGIN  # else GitHub's own time contradicts the order of its list
    return Shown(doubled, is_clear, is_covered=is_clear, is_unmarked=is_unmarked)


def _report_of(status: Posted, ours: Ours) -> int | None:
    """The report whose status it is. None: it is not ours."""
    by_id = ours.by_status_id.get(status.id)
    return by_id or next((ours.by_marker[mark] for mark in _marks_of(status, ours)), None)


def _marks_of(status: Posted, ours: Ours) -> Sequence[str]:
    """Our markers that *status* carries: at most one, unless a link was copied."""
    return [mark for mark in ours.by_marker if is_marked(status, mark)]


def _doubled(listed: Iterable[Posted], ours: Ours) -> frozenset[int]:
    ids: dict[str, set[int]] = defaultdict(set)
    for status in listed:
        for mark in _marks_of(status, ours):
            ids[mark] |= {status.id, ours.stored_as.get(mark, status.id)}
    return frozenset(ours.by_marker[mark] for mark, its in ids.items() if len(its) > 1)


COMMIT_STATUS = AppendedKind(
    name="commit status",
    updates=False,
    fit=fit_description,
    marked=marked,
    carries=is_marked,
    is_at=is_at,
    shown=shown,
)
