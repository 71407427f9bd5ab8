"""Surfaces: what on GitHub shows reports. A delivery speaks to one, whatever that creates and lists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.delivery.check_output import CheckRequest
from domain.delivery.outcome import Posted, Read, ReadRuns, Sent
from domain.delivery.read_back import Reading
from domain.delivery.report import Report
from domain.delivery.target import Target
from domain.text import fit_description


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


class SurfaceName(StrEnum):
    """What shows the reports of an execution, as settings name it."""

    STATUS = "status"
    CHECK_RUN = "check_run"


@dataclass(frozen=True, slots=True)
class SurfaceKind:
    """What is recorded for a surface.

    updates      whether what was created is changed: an execution has one of them; if not, each report creates one
    fit          the description as GitHub accepts it
    marked       the link of a report, with its marker if it carries one
    """

    name: str
    updates: bool
    fit: Callable[[str], str]
    marked: Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class AppendedKind(SurfaceKind):
    """A surface on which each report is created anew, and how what it lists is understood.

    carries      whether something listed carries a marker
    is_at        whether something listed is at the target, and not elsewhere on its commit
    shown        what a reading shows of the target: doubled, covered or overridden
    """

    carries: Callable[[Posted, str], bool]
    is_at: Callable[[Posted, Target], bool]
    shown: Callable[[Reading, Target, Ours], Shown]


class Surface(Protocol):
    """Makes the requests of an appended surface: one each, under one deadline, never repeated.

    Raises for nothing that GitHub does.
    """

    kind: AppendedKind

    async def create(self, report: Report, token: str | None) -> Sent:
        """Send *report*, once."""
        ...

    async def page(self, target: Target, token: str | None, page_url: str | None = None) -> Read:
        """A page of what the target's commit shows: the first, newest first, or the one at *page_url*."""
        ...


class RunSurface(Protocol):
    """Makes the requests of check runs, like `Surface`."""

    async def send(self, request: CheckRequest, token: str | None) -> Sent:
        """Send *request*, once."""
        ...

    async def run(self, repository: str, github_id: int, token: str | None) -> ReadRuns:
        """The check run with GitHub's id *github_id*, as the only one of a page."""
        ...

    async def page(self, target: Target, token: str | None, page_url: str | None = None) -> ReadRuns:
        """A page of the target's check runs, of every App: the first, or the one at *page_url*."""
        ...


CHECK_RUN = SurfaceKind("check run", updates=True, fit=fit_description, marked=lambda url, _: url)
