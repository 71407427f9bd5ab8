"""Reads a commit's statuses page by page and looks for the marker of a report."""

from dataclasses import dataclass
from typing import TypeAlias

from domain.delivery.outcome import Delivered, Exchange, NotSent, Page, PostedStatus, ReadFailure
from domain.delivery.read_back import is_beyond, is_in, is_stable
from domain.delivery.report import carries
from storage.delivery import leases
from storage.delivery.availability import Busy
from storage.delivery.leases import Lease
from tasks.delivery.reporter import Reporter

MAX_PAGES = 200
"""The most pages of 100 statuses that are read: GitHub keeps 1000 statuses of each context of a commit."""


@dataclass(frozen=True, slots=True)
class Absent:
    """No page shows the report. Not `is_certain`: the list grew, so a status may have been on neither page read."""

    is_certain: bool


Found: TypeAlias = Delivered
GivenUp: TypeAlias = None
"""The lease was lost meanwhile, or a newer report is current."""


async def find_marker(
    reporter: Reporter, lease: Lease, token: str
) -> tuple[Found | Absent | ReadFailure | Busy | GivenUp, Lease, Exchange]:
    """Read the commit's statuses, newest first, renewing the lease after each page.

    Another tool may have copied the link into a context of its own: that counts only if ours is not listed.
    """
    page_url, is_certain = None, True
    marked: list[PostedStatus] = []
    for _ in range(MAX_PAGES):
        read = await reporter.github.statuses_of(lease.report.target, token, page_url)
        if not isinstance(read.outcome, Page):
            return read.outcome, lease, read.exchange
        page = read.outcome
        marked += [status for status in page.statuses if carries(status.target_url, lease.report.marker)]
        own = next((status for status in marked if is_in(lease.report.target.context, status)), None)
        if own is not None:
            return Delivered(own.id), lease, read.exchange
        github_time = read.exchange.github_time
        if page.next_url is None or is_beyond(page.statuses, lease.not_before, github_time=github_time):
            return Delivered(marked[0].id) if marked else Absent(is_certain), lease, read.exchange
        if page_url is None:
            is_certain = is_stable(page.statuses, github_time=github_time)
        page_url = page.next_url
        renewed = await _renew(reporter, lease)
        if not isinstance(renewed, Lease):
            return renewed, lease, read.exchange
        lease = renewed
    return NotSent(f"the commit's statuses do not end after {MAX_PAGES} pages"), lease, Exchange()


async def _renew(reporter: Reporter, lease: Lease) -> Lease | Busy | None:
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        return await leases.renew(session, lease, policy=reporter.policy, now=now)
