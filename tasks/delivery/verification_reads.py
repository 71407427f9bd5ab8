"""Reads, page by page, what a commit shows, for a verification: it holds no lease, and heeds pauses."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from domain.delivery.outcome import Page, Read, ReadRuns, RunsPage, StaleToken, Throttled, is_from_github
from domain.delivery.policy import Policy
from github_api.apps import Permissions
from github_api.credentials import NoCredential
from storage.delivery import credentials, pauses
from storage.delivery.verification import Snapshot
from storage.transaction import Transaction
from tasks.delivery.find_marker import MAX_PAGES
from tasks.delivery.reporter import Reporter

P = TypeVar("P", Page, RunsPage)


@dataclass(frozen=True, slots=True)
class Unread:
    """What the commit shows cannot be read now. `is_answered`: GitHub said so, of this commit."""

    is_answered: bool


@dataclass(frozen=True, slots=True)
class Pages(Generic[P]):
    """How the pages are read: with which permissions, one at a time, until there is no next one or `is_last`."""

    permissions: Permissions
    ask: Callable[[str, str | None], Awaitable[Read | ReadRuns]]
    kind: type[P]
    is_last: Callable[[P, datetime | None], bool]


async def read_pages(reporter: Reporter, snapshot: Snapshot, pages: Pages[P]) -> list[P] | Unread:
    """What the commit shows, as far back as any of ours can be."""
    try:
        token = await reporter.token_of(snapshot.credential, snapshot.target.repository, pages.permissions)
    except NoCredential:
        return Unread(is_answered=False)
    secret = token.secret
    may_read, probe_until = await reporter.ledger.write(_begin, snapshot.credential, secret, reporter.policy)
    if not may_read:
        return Unread(is_answered=False)
    found: list[P] = []
    page_url: str | None = None
    for _ in range(MAX_PAGES):
        read = await pages.ask(token.value, page_url)
        if isinstance(reporter.judged(token, read.outcome), StaleToken):
            return Unread(is_answered=False)
        must_wait = await reporter.ledger.write(_apply, snapshot.credential, read, secret, probe_until)
        if not isinstance(read.outcome, pages.kind):
            return Unread(_is_answer(read))
        found.append(read.outcome)
        page_url = read.outcome.next_url
        if page_url is None or pages.is_last(read.outcome, read.exchange.github_time):
            break
        if must_wait:
            return Unread(is_answered=False)
    return found


def _begin(tx: Transaction, name: str, secret: str, policy: Policy) -> tuple[bool, datetime | None]:
    """Whether a request may be sent with *secret*, and if it is the half-open probe of a pause, until when."""
    held_by = pauses.binding(tx, credentials.locked(tx, name), secret)
    if pauses.is_paused(held_by, tx.now):
        return False, None
    return True, pauses.probe(tx, held_by, until=tx.now + policy.lease)


def _apply(tx: Transaction, name: str, read: Read | ReadRuns, secret: str, probe_until: datetime | None) -> bool:
    """Store what an answer says of its credential. True: it allows no further request now."""
    credential = credentials.locked(tx, name)
    credentials.apply_answer(tx, credential, read, secret=secret, probe_until=probe_until)
    return pauses.must_wait(pauses.binding(tx, credential, secret), probe_until)


def _is_answer(read: Read | ReadRuns) -> bool:
    """Whether GitHub answered with something other than a rate limit."""
    is_answer = read.exchange.http_status is not None and is_from_github(read.outcome)
    return is_answer and not isinstance(read.outcome, Throttled)
