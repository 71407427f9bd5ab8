"""Compares what GitHub shows of a target with our reports: duplicates, covered and overridden statuses. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.delivery.outcome import PostedStatus
from domain.delivery.read_back import MARGIN, Reading, is_in
from domain.delivery.report import carries


@dataclass(frozen=True, slots=True)
class Ours:
    """The reports of a target, by their ids in the ledger, and how their statuses are recognised."""

    newest: int
    own: int  # GitHub's id of the newest report's own status
    by_status_id: Mapping[int, int]  # GitHub's id of a status → its report
    by_marker: Mapping[str, int]  # the marker of any edition → its report
    stored_as: Mapping[str, int]  # the marker of a delivered edition → GitHub's id of its status

    def report_of(self, status: PostedStatus) -> int | None:
        """The report whose status it is. None: it is not ours."""
        by_id = self.by_status_id.get(status.id)
        return by_id or next((self.by_marker[mark] for mark in self.marks_of(status)), None)

    def marks_of(self, status: PostedStatus) -> Sequence[str]:
        """Our markers that *status* carries: at most one, unless a link was copied."""
        return [mark for mark in self.by_marker if carries(status.target_url, mark)]


@dataclass(frozen=True, slots=True)
class Shown:
    """Result of a reading. Not `is_clear`: GitHub's reads lag or contradict each other, and only `doubled` counts."""

    doubled: frozenset[int]  # reports with a marker that is listed under two ids
    is_clear: bool
    is_covered: bool = False  # an older report of ours is above the newest
    overriding: PostedStatus | None = None  # above the newest, and not ours
    is_unmarked: bool = False  # the newest report's status is listed without its marker: GitHub did not keep its link


def shown(reading: Reading, context: str, ours: Ours) -> Shown:
    """What *reading* shows of the target with this *context*.

    Only the order of the list decides which of two statuses is newer: GitHub does not promise that ids grow, and its
    times have whole seconds. While a status that is not ours is on top, nothing counts as covered: sending the newest
    report again would undo what another user decided.
    """
    listed = [status for status in reading.statuses if is_in(context, status)]
    doubled = _doubled(listed, ours)
    own = next((status for status in listed if status.id == ours.own), None)
    if own is None or not reading.is_ordered:
        return Shown(doubled, is_clear=False)
    top = listed[0]
    report = ours.report_of(top)
    is_unmarked = not ours.marks_of(own)
    if report is None:
        return Shown(doubled, is_clear=True, overriding=top, is_unmarked=is_unmarked)
    if report == ours.newest:
        return Shown(doubled, is_clear=True, is_unmarked=is_unmarked)
    is_clear = top.created_at >= own.created_at - MARGIN  # else GitHub's own time contradicts the order of its list
    return Shown(doubled, is_clear, is_covered=is_clear, is_unmarked=is_unmarked)


def _doubled(listed: Iterable[PostedStatus], ours: Ours) -> frozenset[int]:
    ids: dict[str, set[int]] = defaultdict(set)
    for status in listed:
        for mark in ours.marks_of(status):
            ids[mark] |= {status.id, ours.stored_as.get(mark, status.id)}
    return frozenset(ours.by_marker[mark] for mark, its in ids.items() if len(its) > 1)
