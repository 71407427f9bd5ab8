"""Surfaces: what on GitHub shows reports. A delivery speaks to one, whatever that creates and lists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.delivery.outcome import Posted, Read, Sent
from domain.delivery.read_back import Reading
from domain.delivery.report import Report
from domain.delivery.target import Target


@dataclass(frozen=True, slots=True)
class Ours:
    """The reports of a target, by their ids in the ledger, and how what GitHub lists of them is recognised."""

    newest: int
    own: int  # GitHub's id of what the newest report created
    by_status_id: Mapping[int, int]  # GitHub's id → the report that created it
    by_marker: Mapping[str, int]  # the marker of any edition → its report
    stored_as: Mapping[str, int]  # the marker of a delivered edition → GitHub's id of what it created


@dataclass(frozen=True, slots=True)
class Shown:
    """Result of a reading. Not `is_clear`: GitHub's reads lag or contradict each other, and only `doubled` counts."""

    doubled: frozenset[int]  # reports with a marker that is listed under two ids
    is_clear: bool
    is_covered: bool = False  # an older report of ours is above the newest
    overriding: Posted | None = None  # above the newest, and not ours
    is_unmarked: bool = False  # the newest report is listed without its marker: GitHub did not keep it


@dataclass(frozen=True, slots=True)
class SurfaceKind:
    """What is particular to a surface, as data and pure functions.

    updates      whether what was created can be changed; if not, each report is created anew
    fit          the description as GitHub accepts it
    marked       the link of a report, with its marker
    carries      whether something listed carries a marker
    is_at        whether something listed is at the target, and not elsewhere on its commit
    shown        what a reading shows of the target: doubled, covered or overridden
    """

    name: str
    updates: bool
    fit: Callable[[str], str]
    marked: Callable[[str, str], str]
    carries: Callable[[Posted, str], bool]
    is_at: Callable[[Posted, Target], bool]
    shown: Callable[[Reading, Target, Ours], Shown]


class Surface(Protocol):
    """Makes a surface's requests: one each, under one deadline, never repeated. Raises for nothing that GitHub does."""

    kind: SurfaceKind

    async def create(self, report: Report, token: str | None) -> Sent:
        """Send *report*, once."""
        ...

    async def page(self, target: Target, token: str | None, page_url: str | None = None) -> Read:
        """A page of what the target's commit shows: the first, newest first, or the one at *page_url*."""
        ...
