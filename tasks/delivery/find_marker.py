"""Reads what a commit shows, page by page, and looks for the marker of a report."""

from dataclasses import dataclass
from typing import TypeAlias

from domain.delivery.outcome import Delivered, Exchange, NotSent, Page, Posted, ReadFailure
from domain.delivery.read_back import is_beyond, is_stable
from storage.delivery import leases
from storage.delivery.availability import Busy
from storage.delivery.leases import Lease
from tasks.delivery.reporter import Reporter

MAX_PAGES = 200
"""The most pages of 100 statuses that are read: GitHub keeps 1000 statuses of each context of a commit."""


@dataclass(frozen=True, slots=True)
class Absent:
    """No page shows the report. Not `is_certain`: the list grew, so it may have been on neither page read."""

    is_certain: bool


Found: TypeAlias = Delivered
GivenUp: TypeAlias = None
"""The lease was lost meanwhile, or a newer report is current."""


async def find_marker(
    reporter: Reporter, lease: Lease, token: str
) -> tuple[Found | Absent | ReadFailure | Busy | GivenUp, Lease, Exchange]:
    """Read what the commit shows, newest first, renewing the lease after each page.

    Another tool may have copied the marker to a place of its own: that counts only if ours is not listed.
    """
    kind, report = reporter.surface.kind, lease.report
    page_url, is_certain = None, True
    marked: list[Posted] = []
    for _ in range(MAX_PAGES):
        read = await reporter.surface.page(report.target, token, page_url)
        if not isinstance(read.outcome, Page):
            return read.outcome, lease, read.exchange
        page = read.outcome
        marked += [one for one in page.posted if kind.carries(one, report.marker)]
        own = next((one for one in marked if kind.is_at(one, report.target)), None)
        if own is not None:
            return Delivered(own.id), lease, read.exchange
        github_time = read.exchange.github_time
        if page.next_url is None or is_beyond(page.posted, lease.not_before, github_time=github_time):
            return Delivered(marked[0].id) if marked else Absent(is_certain), lease, read.exchange
        if page_url is None:
            is_certain = is_stable(page.posted, github_time=github_time)
        page_url = page.next_url
        renewed = await reporter.ledger.write(leases.renew, lease, policy=reporter.policy)
        if not isinstance(renewed, Lease):
            return renewed, lease, read.exchange
        lease = renewed
    return NotSent(f"the commit's statuses do not end after {MAX_PAGES} pages"), lease, Exchange()
