"""Look whether late requests left a mark on GitHub, count what stands there twice, and repair what is covered."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from domain.outcome import Page, PostedStatus
from domain.reading import Reading, is_beyond, joined
from domain.shown import shown
from github_api.credentials import NoCredential, secret_behind
from storage import credentials, pauses, verify
from storage.verify import Look
from tasks.deliver import MAX_PAGES, Reporter

LIMIT = 20
"""Targets a pass looks at."""


async def to_verify(reporter: Reporter) -> list[int]:
    """Ids of targets that ask for a look now."""
    async with reporter.ledger.transaction() as session:
        return await verify.due(session, limit=LIMIT, now=await reporter.ledger.clock(session))


async def verify_target(reporter: Reporter, target_id: int) -> bool:
    """Look at one target. True: an older report of ours covered its newest, which is due again."""
    async with reporter.ledger.transaction() as session:
        seen = await verify.look(session, target_id)
    if seen is None:
        return False
    reading = await _read(reporter, seen)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        if not await verify.is_as_read(session, seen):
            return False
        if reading is None:
            await verify.looked(session, seen, again_at=verify.look_again(seen.delivered_at, now))
            return False
        return await _conclude(session, seen, reading, actor=reporter.actor, now=now)


async def _conclude(session: AsyncSession, seen: Look, reading: Reading, *, actor: str, now: datetime) -> bool:
    """Note what *reading* shows, and say when to look again. The target is locked. True: it was repaired."""
    found = shown(reading, seen.target.context, seen.ours)
    for report_id in found.doubled:
        await verify.note_doubled(session, seen, report_id, actor=actor, now=now)
    if found.overriding is not None:
        await verify.note_overridden(session, seen, found.overriding, actor=actor, now=now)
    when = verify.next_look if found.is_clear else verify.look_again
    again_at = when(seen.delivered_at, now)
    if again_at is None and not found.is_clear:
        await verify.note_unseen(session, seen, actor=actor, now=now)
    await verify.looked(session, seen, again_at=again_at)
    return found.is_covered and await verify.repair(session, seen, actor=actor, now=now)


async def _read(reporter: Reporter, seen: Look) -> Reading | None:
    """The commit's statuses, as far back as anything of ours can be. None: they cannot be read now."""
    try:
        token = await reporter.token_of(seen.credential)
    except NoCredential:
        return None
    secret = secret_behind(token)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        credential = await credentials.locked(session, seen.credential)
        held_by = await pauses.binding(session, credential, secret, now=now)
        if pauses.is_paused(held_by, now):
            return None
        probe_until = await pauses.probe(session, held_by, until=now + reporter.policy.lease)
    pages: list[tuple[PostedStatus, ...]] = []
    page_url: str | None = None
    for _ in range(MAX_PAGES):
        read = await reporter.github.statuses_of(seen.target, token, page_url)
        async with reporter.ledger.transaction() as session:
            now = await reporter.ledger.clock(session)
            credential = await credentials.locked(session, seen.credential)
            await credentials.learn(session, credential, read, secret=secret, probe_until=probe_until, now=now)
            held_by = await pauses.binding(session, credential, secret, now=now)
            must_wait = pauses.must_wait(held_by, probe_until)
        if not isinstance(read.outcome, Page):
            return None
        page, page_url = read.outcome.statuses, read.outcome.next_url
        pages.append(page)
        if page_url is None or is_beyond(page, seen.not_before, github_time=read.exchange.github_time):
            break
        if must_wait:
            return None
    return joined(pages)
