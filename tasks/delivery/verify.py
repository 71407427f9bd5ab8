"""Look whether late requests left a mark on GitHub, count what stands there twice, and repair what is covered."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.outcome import Page, PostedStatus, Read, Throttled, is_from_github
from domain.delivery.status_pages import Reading, is_beyond, joined
from domain.delivery.verification import shown
from github_api.credentials import NoCredential, secret_behind
from storage.delivery import credentials, pauses, verification
from storage.delivery.verification import Snapshot
from tasks.delivery.deliver import MAX_PAGES, Reporter

LIMIT = 20
"""Targets a pass looks at."""


async def to_verify(reporter: Reporter) -> list[int]:
    """Ids of targets that ask for a look now."""
    async with reporter.ledger.transaction() as session:
        return await verification.due(session, limit=LIMIT, now=await reporter.ledger.clock(session))


async def verify_target(reporter: Reporter, target_id: int) -> bool:
    """Look at one target. True: an older report of ours covered its newest, which is due again."""
    async with reporter.ledger.transaction() as session:
        seen = await verification.take_snapshot(session, target_id)
    if seen is None:
        return False
    reading = await _read(reporter, seen)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        if not await verification.is_unchanged(session, seen):
            return False
        if not isinstance(reading, Reading):
            again_at = verification.verify_again_at(seen.since, now, is_answered=reading.is_answered)
            await _put_off(session, seen, again_at, actor=reporter.actor, now=now)
            return False
        return await _conclude(session, seen, reading, actor=reporter.actor, now=now)


@dataclass(frozen=True, slots=True)
class Unread:
    """The commit's statuses cannot be read now. `is_answered`: GitHub said so, of this commit."""

    is_answered: bool


async def _put_off(
    session: AsyncSession, seen: Snapshot, again_at: datetime | None, *, actor: str, now: datetime
) -> None:
    """A look that was not clear is taken again; one that is given up is told. The target is locked."""
    if again_at is None:
        await verification.note_unseen(session, seen, actor=actor, now=now)
    await verification.mark_verified(session, seen, again_at=again_at)


async def _conclude(session: AsyncSession, seen: Snapshot, reading: Reading, *, actor: str, now: datetime) -> bool:
    """Note what *reading* shows, and say when to look again. The target is locked. True: it was repaired."""
    found = shown(reading, seen.target.context, seen.ours)
    for report_id in found.doubled:
        await verification.note_doubled(session, seen, report_id, actor=actor, now=now)
    if found.overriding is not None:
        await verification.note_overridden(session, seen, found.overriding, actor=actor, now=now)
    if found.is_unmarked:
        await verification.note_unmarked(session, seen, actor=actor, now=now)
    if found.is_clear:
        await verification.mark_verified(session, seen, again_at=verification.next_verification(seen.since, now))
    else:
        await _put_off(session, seen, verification.verify_again_at(seen.since, now), actor=actor, now=now)
    return found.is_covered and await verification.repair(session, seen, actor=actor, now=now)


async def _read(reporter: Reporter, seen: Snapshot) -> Reading | Unread:
    """The commit's statuses, as far back as anything of ours can be."""
    try:
        token = await reporter.token_of(seen.credential)
    except NoCredential:
        return Unread(is_answered=False)
    secret = secret_behind(token)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        credential = await credentials.locked(session, seen.credential)
        held_by = await pauses.binding(session, credential, secret, now=now)
        if pauses.is_paused(held_by, now):
            return Unread(is_answered=False)
        probe_until = await pauses.probe(session, held_by, until=now + reporter.policy.lease)
    pages: list[tuple[PostedStatus, ...]] = []
    page_url: str | None = None
    for _ in range(MAX_PAGES):
        read = await reporter.github.statuses_of(seen.target, token, page_url)
        async with reporter.ledger.transaction() as session:
            now = await reporter.ledger.clock(session)
            credential = await credentials.locked(session, seen.credential)
            await credentials.apply_answer(session, credential, read, secret=secret, probe_until=probe_until, now=now)
            held_by = await pauses.binding(session, credential, secret, now=now)
            must_wait = pauses.must_wait(held_by, probe_until)
        if not isinstance(read.outcome, Page):
            return Unread(_is_answer(read))
        page, page_url = read.outcome.statuses, read.outcome.next_url
        pages.append(page)
        if page_url is None or is_beyond(page, seen.not_before, github_time=read.exchange.github_time):
            break
        if must_wait:
            return Unread(is_answered=False)
    return joined(pages)


def _is_answer(read: Read) -> bool:
    """Whether GitHub answered, and not only to have everybody wait."""
    is_told = read.exchange.http_status is not None and is_from_github(read.outcome)
    return is_told and not isinstance(read.outcome, Throttled)
