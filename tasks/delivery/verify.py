"""Verifies what GitHub shows after a possibly late request: counts duplicates, repairs covered reports."""

from dataclasses import dataclass
from datetime import datetime

from domain.delivery.outcome import Page, Posted, Read, StaleToken, Throttled, is_from_github
from domain.delivery.policy import Policy
from domain.delivery.read_back import Reading, is_beyond, joined
from domain.delivery.surface import SurfaceKind
from github_api.credentials import NoCredential
from storage.delivery import credentials, pauses, verification
from storage.delivery.verification import Snapshot, next_verification, verify_again_at
from storage.transaction import Transaction
from tasks.delivery.find_marker import MAX_PAGES
from tasks.delivery.reporter import Reporter

LIMIT = 20
"""Targets that a reconciliation run verifies."""


async def to_verify(reporter: Reporter) -> list[int]:
    """Ids of targets whose verification is due now."""
    return await reporter.ledger.read(verification.due, limit=LIMIT)


async def verify_target(reporter: Reporter, target_id: int) -> bool:
    """Verify one target. True: an older report of ours covered its newest, which is due again."""
    snapshot = await reporter.ledger.read(verification.take_snapshot, target_id)
    if snapshot is None:
        return False
    reading = await _read(reporter, snapshot)
    return await reporter.ledger.write(_conclude, snapshot, reading, reporter.surface.kind)


@dataclass(frozen=True, slots=True)
class Unread:
    """What the commit shows cannot be read now. `is_answered`: GitHub said so, of this commit."""

    is_answered: bool


def _postpone(tx: Transaction, snapshot: Snapshot, again_at: datetime | None) -> None:
    """Schedule an unclear verification again, or record that it is given up. The target is locked."""
    if again_at is None:
        verification.note_unseen(tx, snapshot)
    verification.mark_verified(tx, snapshot, again_at=again_at)


def _conclude(tx: Transaction, snapshot: Snapshot, reading: Reading | Unread, kind: SurfaceKind) -> bool:
    """Record what *reading* shows and when to verify again. True: it was repaired."""
    if not verification.is_unchanged(tx, snapshot):
        return False
    if not isinstance(reading, Reading):
        _postpone(tx, snapshot, verify_again_at(snapshot.since, tx.now, is_answered=reading.is_answered))
        return False
    found = kind.shown(reading, snapshot.target, snapshot.ours)
    for report_id in found.doubled:
        verification.note_doubled(tx, snapshot, report_id)
    if found.overriding is not None:
        verification.note_overridden(tx, snapshot, found.overriding)
    if found.is_unmarked:
        verification.note_unmarked(tx, snapshot)
    if found.is_clear:
        verification.mark_verified(tx, snapshot, again_at=next_verification(snapshot.since, tx.now))
    else:
        _postpone(tx, snapshot, verify_again_at(snapshot.since, tx.now))
    return found.is_covered and verification.repair(tx, snapshot, kind)


async def _read(reporter: Reporter, snapshot: Snapshot) -> Reading | Unread:
    """What the commit shows, as far back as any of ours can be."""
    try:
        token = await reporter.token_of(snapshot.credential, snapshot.target.repository)
    except NoCredential:
        return Unread(is_answered=False)
    secret = token.secret
    may_read, probe_until = await reporter.ledger.write(_begin, snapshot.credential, secret, reporter.policy)
    if not may_read:
        return Unread(is_answered=False)
    pages: list[tuple[Posted, ...]] = []
    page_url: str | None = None
    for _ in range(MAX_PAGES):
        read = await reporter.surface.page(snapshot.target, token.value, page_url)
        if isinstance(reporter.judged(token, read.outcome), StaleToken):
            return Unread(is_answered=False)
        must_wait = await reporter.ledger.write(_apply, snapshot.credential, read, secret, probe_until)
        if not isinstance(read.outcome, Page):
            return Unread(_is_answer(read))
        page, page_url = read.outcome.posted, read.outcome.next_url
        pages.append(page)
        if page_url is None or is_beyond(page, snapshot.not_before, github_time=read.exchange.github_time):
            break
        if must_wait:
            return Unread(is_answered=False)
    return joined(pages)


def _begin(tx: Transaction, name: str, secret: str, policy: Policy) -> tuple[bool, datetime | None]:
    """Whether a request may be sent with *secret*, and if it is the half-open probe of a pause, until when."""
    held_by = pauses.binding(tx, credentials.locked(tx, name), secret)
    if pauses.is_paused(held_by, tx.now):
        return False, None
    return True, pauses.probe(tx, held_by, until=tx.now + policy.lease)


def _apply(tx: Transaction, name: str, read: Read, secret: str, probe_until: datetime | None) -> bool:
    """Store what an answer says of its credential. True: it allows no further request now."""
    credential = credentials.locked(tx, name)
    credentials.apply_answer(tx, credential, read, secret=secret, probe_until=probe_until)
    return pauses.must_wait(pauses.binding(tx, credential, secret), probe_until)


def _is_answer(read: Read) -> bool:
    """Whether GitHub answered with something other than a rate limit."""
    is_answer = read.exchange.http_status is not None and is_from_github(read.outcome)
    return is_answer and not isinstance(read.outcome, Throttled)
