"""Checks the whole promise: lists what a world at rest breaks of it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from sqlmodel import col, select
from world import World

from domain.delivery.commit_status import carries
from domain.delivery.report import EventKind, marker
from fake_github.store import Stored
from storage.models import ReportEvent, StatusReport, StatusTarget

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

DELIVERED = (EventKind.DELIVERED, EventKind.FOUND)


@dataclass(frozen=True, slots=True)
class TargetHistory:
    """All that ledger and stand-in hold of one target, oldest first."""

    target: StatusTarget
    reports: list[StatusReport]
    events: list[ReportEvent]
    statuses: list[Stored]
    posts: int  # requests GitHub has seen

    @property
    def newest(self) -> StatusReport | None:
        return next((report for report in self.reports if report.id == self.target.newest_id), None)

    def kinds(self, report: StatusReport) -> list[EventKind]:
        return [event.kind for event in self.events if event.report_id == report.id]

    def shown(self) -> list[tuple[StatusReport | None, str]]:
        """The report and the marker of each status; None and "" for a status of another tool."""
        marks = {mark: report for report in self.reports for mark in _marks(report)}
        found = [next((mark for mark in marks if carries(status.target_url, mark)), "") for status in self.statuses]
        return [(marks.get(mark), mark) for mark in found]


def _marks(report: StatusReport) -> Iterator[str]:
    """The markers of all editions of a report."""
    for edition in range(1, report.edition + 1):
        yield marker(report.job_id, report.execution, report.state, edition)


async def histories(world: World) -> list[TargetHistory]:
    with world.ledger.transaction() as tx:
        targets = list(tx.session.exec(select(StatusTarget)))
        reports = list(tx.session.exec(select(StatusReport).order_by(col(StatusReport.id))))
        events = list(tx.session.exec(select(ReportEvent).order_by(col(ReportEvent.id))))
    of = {report.id: report.target_id for report in reports}
    reports_of = _grouped(reports, lambda report: report.target_id)
    events_of = _grouped(events, lambda event: of[event.report_id])
    statuses_of = _grouped(world.github.store.held(), lambda one: _key(one.repository, one.sha, one.context))
    posts = (seen for seen in world.github.requests.seen if seen.method == "POST")
    posts_to = Counter((seen.path.lower(), (seen.context or "").lower()) for seen in posts)
    return [
        TargetHistory(
            target,
            reports_of[target.id or 0],
            events_of[target.id or 0],
            statuses_of[target.key],
            posts_to[f"/repos/{target.repository}/statuses/{target.sha}".lower(), target.context.lower()],
        )
        for target in targets
    ]


def _grouped(things: Iterable[T], by: Callable[[T], K]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = defaultdict(list)
    for thing in things:
        groups[by(thing)].append(thing)
    return groups


def _key(repository: str, sha: str, context: str) -> str:
    return f"{repository}@{sha}:{context}".lower()


def violations(of: TargetHistory, *, overslept: bool = False) -> list[str]:
    """List what a target at rest violates.

    *overslept*: a sender was suspended between its last check of the lease and its request. Then a status may be
    doubled, or an older one late, if that was noticed and the newest is on top again. Nothing is noticed while the
    newest is rejected: a target is verified when its newest is delivered.
    """
    where = f"{of.target.repository} {of.target.context}: "
    found = [*_on_top(of), *_twice(of, overslept=overslept), *_rows_and_events(of)]
    if not overslept:
        found += _out_of_order(of)
    return [where + words for words in found]


def _on_top(of: TargetHistory) -> Iterator[str]:
    newest, shown = of.newest, of.shown()
    if any(report is None for report, _ in shown):
        yield "a status without a report"
    if newest is None:
        yield "no current report"
    elif newest.rejected_at is None and (not shown or shown[-1] != (newest, newest.marker)):
        yield f"the newest is {newest.state} of turn {newest.turn}, on top is {shown[-1:]}"
    if of.target.due_at is not None or of.target.lease is not None:
        yield "not settled"


def _twice(of: TargetHistory, *, overslept: bool) -> Iterator[str]:
    shown = of.shown()
    is_verified = of.newest is not None and of.newest.delivered_at is not None
    for mark, times in Counter(mark for _, mark in shown).items():
        report = next(report for report, its in shown if its == mark)
        if times > 1 and not overslept:
            yield f"{mark} is there {times} times"
        if times > 1 and is_verified and report is not None and EventKind.DOUBLED not in of.kinds(report):
            yield f"{mark} is there {times} times, and was not counted"


def _out_of_order(of: TargetHistory) -> Iterator[str]:
    order = [(report.turn, report.rank) for report, _ in of.shown() if report is not None]
    if order != sorted(order):
        yield f"out of order: {order}"
    if any(report.edition > 1 for report in of.reports):
        yield "repaired, though no sender overslept"


def _rows_and_events(of: TargetHistory) -> Iterator[str]:
    for report in of.reports:
        yield from _row_and_events(of, report)
    kinds = Counter(event.kind for event in of.events)
    if of.target.attempts != kinds[EventKind.CLAIMED]:
        yield f"{of.target.attempts} attempts, {kinds[EventKind.CLAIMED]} claims"
    if kinds[EventKind.POSTED] < of.posts:
        yield f"{of.posts} requests, {kinds[EventKind.POSTED]} noted before they left"


def _row_and_events(of: TargetHistory, report: StatusReport) -> Iterator[str]:
    kinds = of.kinds(report)
    count = Counter(kinds)
    arrived = sum(count[kind] for kind in DELIVERED)
    if arrived != count[EventKind.REPAIRED] + (report.delivered_at is not None):
        yield f"delivered at {report.delivered_at}, yet {kinds}"
    if report.edition != 1 + count[EventKind.REPAIRED]:
        yield f"edition {report.edition}, yet {kinds}"
    if (report.rejected_at is not None) and EventKind.REJECTED not in kinds:
        yield f"rejected, yet {kinds}"
    if report.delivered_at is None and report.id != of.target.newest_id and EventKind.SUPERSEDED not in kinds:
        yield f"superseded, yet {kinds}"
    if kinds[0] is not EventKind.RECORDED:
        yield f"its history begins with {kinds[:1]}"
