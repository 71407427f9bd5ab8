"""Look whether late requests left a mark on GitHub, count what stands there twice, and repair what is covered."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta

from domain.outcome import Page, PostedStatus, ReadFailure, Rejected
from domain.reading import is_beyond
from domain.report import carries
from github_api.credentials import NoCredential
from storage import credentials, verify
from storage.verify import Look
from tasks.deliver import MAX_PAGES, Reporter

LIMIT = 20
"""Targets a pass looks at."""

POSTPONED = timedelta(minutes=10)
"""When to look again where GitHub could not be read."""


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
    statuses = await _statuses(reporter, seen)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        if not await verify.is_as_read(session, seen):
            return False
        if not isinstance(statuses, list):
            refused = isinstance(statuses, Rejected)
            await verify.looked(session, seen, again_at=None if refused else now + POSTPONED)
            return False
        await verify.looked(session, seen, again_at=verify.next_look(seen.delivered_at, now))
        for mark in _doubled(statuses, seen):
            await verify.note_doubled(session, seen, mark, actor=reporter.actor, now=now)
        if covered := _is_covered(statuses, seen):
            await verify.repair(session, seen, actor=reporter.actor, now=now)
        return covered


async def _statuses(reporter: Reporter, seen: Look) -> list[PostedStatus] | ReadFailure | None:
    """The commit's statuses of the target's context, newest first, or why not. None: now is not the time."""
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        credential = await credentials.locked(session, seen.credential)
        if credentials.is_paused(credential, now):
            return None
        probe_until = await credentials.probe(session, credential, until=now + reporter.policy.lease)
    try:
        token = await reporter.token_of(seen.credential)
    except NoCredential:
        return None
    found: list[PostedStatus] = []
    page_url: str | None = None
    for _ in range(MAX_PAGES):
        read = await reporter.github.statuses_of(seen.target, token, page_url)
        async with reporter.ledger.transaction() as session:
            now = await reporter.ledger.clock(session)
            credential = await credentials.locked(session, seen.credential)
            await credentials.learn(session, credential, read, probe_until=probe_until, now=now)
            must_wait = credentials.must_wait(credential, probe_until)
        if not isinstance(read.outcome, Page):
            return read.outcome
        found += [one for one in read.outcome.statuses if one.context.lower() == seen.target.context.lower()]
        page_url = read.outcome.next_url
        if page_url is None or is_beyond(read.outcome.statuses, seen.not_before, github_time=read.exchange.github_time):
            break
        if must_wait:
            return None
    return found


def _is_covered(statuses: Sequence[PostedStatus], seen: Look) -> bool:
    """Whether the topmost status is an older report of ours. One of somebody else's is theirs to answer for."""
    return bool(statuses) and any(carries(statuses[0].target_url, mark) for mark in seen.older)


def _doubled(statuses: Iterable[PostedStatus], seen: Look) -> list[str]:
    marks = (seen.marker, *seen.older)
    counted = Counter(mark for status in statuses for mark in marks if carries(status.target_url, mark))
    return [mark for mark, times in counted.items() if times > 1]
