"""Verifies what GitHub shows after a possibly late request: counts duplicates, repairs covered reports."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.outcome import Page, Posted, Read, Throttled, is_from_github
from domain.delivery.read_back import Reading, is_beyond, joined
from domain.delivery.surface import SurfaceKind
from github_api.credentials import NoCredential, secret_behind
from storage.delivery import credentials, pauses, verification
from storage.delivery.verification import Snapshot
from tasks.delivery.find_marker import MAX_PAGES
from tasks.delivery.reporter import Reporter

LIMIT = 20
"""Targets that a reconciliation run verifies."""


async def to_verify(reporter: Reporter) -> list[int]:
    """Ids of targets whose verification is due now."""
    async with reporter.transaction() as (session, now):
        return await verification.due(session, limit=LIMIT, now=now)


async def verify_target(reporter: Reporter, target_id: int) -> bool:
    """Verify one target. True: an older report of ours covered its newest, which is due again."""
    async with reporter.ledger.transaction() as session:
        snapshot = await verification.take_snapshot(session, target_id)
    if snapshot is None:
        return False
    reading = await _read(reporter, snapshot)
    async with reporter.transaction() as (session, now):
        if not await verification.is_unchanged(session, snapshot):
            return False
        if not isinstance(reading, Reading):
            again_at = verification.verify_again_at(snapshot.since, now, is_answered=reading.is_answered)
            await _postpone(session, snapshot, again_at, actor=reporter.actor, now=now)
            return False
        return await _conclude(session, snapshot, reading, reporter.surface.kind, actor=reporter.actor, now=now)


@dataclass(frozen=True, slots=True)
class Unread:
    """What the commit shows cannot be read now. `is_answered`: GitHub said so, of this commit."""

    is_answered: bool


async def _postpone(
    session: AsyncSession, snapshot: Snapshot, again_at: datetime | None, *, actor: str, now: datetime
) -> None:
    """Schedule an unclear verification again, or record that it is given up. The target is locked."""
    if again_at is None:
        await verification.note_unseen(session, snapshot, actor=actor, now=now)
    await verification.mark_verified(session, snapshot, again_at=again_at)


async def _conclude(
    session: AsyncSession, snapshot: Snapshot, reading: Reading, kind: SurfaceKind, *, actor: str, now: datetime
) -> bool:
    """Record what *reading* shows and when to verify again. The target is locked. True: it was repaired."""
    found = kind.shown(reading, snapshot.target, snapshot.ours)
    for report_id in found.doubled:
        await verification.note_doubled(session, snapshot, report_id, actor=actor, now=now)
    if found.overriding is not None:
        await verification.note_overridden(session, snapshot, found.overriding, actor=actor, now=now)
    if found.is_unmarked:
        await verification.note_unmarked(session, snapshot, actor=actor, now=now)
    if found.is_clear:
        await verification.mark_verified(
            session, snapshot, again_at=verification.next_verification(snapshot.since, now)
        )
    else:
        await _postpone(session, snapshot, verification.verify_again_at(snapshot.since, now), actor=actor, now=now)
    return found.is_covered and await verification.repair(session, snapshot, kind, actor=actor, now=now)


async def _read(reporter: Reporter, snapshot: Snapshot) -> Reading | Unread:
    """What the commit shows, as far back as any of ours can be."""
    try:
        token = await reporter.token_of(snapshot.credential)
    except NoCredential:
        return Unread(is_answered=False)
    secret = secret_behind(token)
    async with reporter.transaction() as (session, now):
        credential = await credentials.locked(session, snapshot.credential)
        held_by = await pauses.binding(session, credential, secret, now=now)
        if pauses.is_paused(held_by, now):
            return Unread(is_answered=False)
        probe_until = await pauses.probe(session, held_by, until=now + reporter.policy.lease)
    pages: list[tuple[Posted, ...]] = []
    page_url: str | None = None
    for _ in range(MAX_PAGES):
        read = await reporter.surface.page(snapshot.target, token, page_url)
        async with reporter.transaction() as (session, now):
            credential = await credentials.locked(session, snapshot.credential)
            await credentials.apply_answer(session, credential, read, secret=secret, probe_until=probe_until, now=now)
            held_by = await pauses.binding(session, credential, secret, now=now)
            must_wait = pauses.must_wait(held_by, probe_until)
        if not isinstance(read.outcome, Page):
            return Unread(_is_answer(read))
        page, page_url = read.outcome.posted, read.outcome.next_url
        pages.append(page)
        if page_url is None or is_beyond(page, snapshot.not_before, github_time=read.exchange.github_time):
            break
        if must_wait:
            return Unread(is_answered=False)
    return joined(pages)


def _is_answer(read: Read) -> bool:
    """Whether GitHub answered with something other than a rate limit."""
    is_answer = read.exchange.http_status is not None and is_from_github(read.outcome)
    return is_answer and not isinstance(read.outcome, Throttled)
