"""Reads the check run of an execution: by its id once that is known, else by name, App and marker."""

from dataclasses import dataclass, replace

from domain.delivery.check_output import CheckRequest
from domain.delivery.credential_name import client_id_of
from domain.delivery.outcome import Exchange, NotSent, ReadFailure, Reason, Rejected, RunsPage, ShownRun
from domain.delivery.run_facts import Seen, is_ours, seen
from storage.delivery import leases
from storage.delivery.availability import Busy
from storage.delivery.leases import Lease
from tasks.delivery.find_marker import MAX_PAGES, GivenUp
from tasks.delivery.reporter import Reporter


@dataclass(frozen=True, slots=True)
class Read:
    """What GitHub shows of the run, the lease as it was renewed, and the last exchange."""

    shows: Seen | Rejected | ReadFailure | Busy | GivenUp
    lease: Lease
    exchange: Exchange


async def find_run(reporter: Reporter, lease: Lease, check: CheckRequest, token: str) -> Read:
    """Read what GitHub shows of the run that *check* is about, renewing the lease after each request."""
    if (github_id := check.step.github_id) is None:
        return await _find_by_marker(reporter, lease, check, token)
    read = await reporter.check_runs.run(check.target.repository, github_id, token)
    match read.outcome:
        case RunsPage(runs):
            return Read(seen(runs), lease, read.exchange)
        case NotSent(why, Reason.NOT_FOUND):
            listed = await _find_by_marker(reporter, lease, check, token)
            gone = Rejected(Reason.NO_SUCH_RUN, why, may_heal=True)
            return replace(listed, shows=gone) if listed.shows == Seen(None) else listed
        case failure:
            return Read(failure, lease, read.exchange)


async def _find_by_marker(reporter: Reporter, lease: Lease, check: CheckRequest, token: str) -> Read:
    found: list[ShownRun] = []
    page_url: str | None = None
    for _ in range(MAX_PAGES):
        read = await reporter.check_runs.page(check.target, token, page_url)
        if not isinstance(read.outcome, RunsPage):
            return Read(read.outcome, lease, read.exchange)
        app = client_id_of(lease.credential)
        found += [run for run in read.outcome.runs if is_ours(run, check.step.run.marker, app=app)]
        page_url = read.outcome.next_url
        if page_url is None:
            return Read(seen(found), lease, read.exchange)
        renewed = await reporter.ledger.write(leases.renew, lease, policy=reporter.policy)
        if not isinstance(renewed, Lease):
            return Read(renewed, lease, read.exchange)
        lease = renewed
    return Read(NotSent(f"the commit's check runs do not end after {MAX_PAGES} pages"), lease, Exchange())
