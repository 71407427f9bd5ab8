"""Look whether late requests left a mark on GitHub, count what stands there twice, and repair what is covered."""

from collections import Counter
from collections.abc import Iterable

from domain.outcome import Page, PostedStatus, Read, Sent
from domain.report import carries
from github_api.credentials import NoCredential
from storage import credentials, verify
from storage.verify import Look
from tasks.deliver import BACK, Reporter

LIMIT = 20
"""Targets a pass looks at."""


async def verify_targets(reporter: Reporter) -> int:
    """Look at the targets that ask for it; how many were repaired: they are due now."""
    async with reporter.ledger.transaction() as session:
        ids = await verify.due(session, limit=LIMIT, now=await reporter.ledger.clock(session))
    return sum([await verify_target(reporter, target_id) for target_id in ids])


async def verify_target(reporter: Reporter, target_id: int) -> bool:
    """Look at one target. True: an older report of ours covered its newest, which is due again."""
    async with reporter.ledger.transaction() as session:
        seen = await verify.look(session, target_id)
    if seen is None or (statuses := await _statuses(reporter, seen)) is None:
        return False
    counted = Counter(mark for status in statuses for mark in _marks(status, seen))
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        for mark in [mark for mark, times in counted.items() if times > 1]:
            await verify.note_doubled(session, seen, mark, actor=reporter.actor, now=now)
        if _is_covered(statuses, seen):
            return await verify.repair(session, seen, actor=reporter.actor, now=now)
        await verify.looked(session, seen, now=now)
    return False


async def _statuses(reporter: Reporter, seen: Look) -> list[PostedStatus] | None:
    """The commit's statuses of the target's context, newest first. None: it could not be read."""
    try:
        token = await reporter.token_of(seen.credential)
    except NoCredential:
        return None
    found: list[PostedStatus] = []
    page_url: str | None = None
    while True:
        read = await reporter.github.statuses_of(seen.target, token, page_url)
        if not isinstance(read.outcome, Page):
            await _learn(reporter, seen.credential, read)
            return None
        found += [one for one in read.outcome.statuses if one.context.lower() == seen.target.context.lower()]
        page_url = read.outcome.next_url
        if page_url is None or any(one.created_at < seen.delivered_at - BACK for one in read.outcome.statuses):
            return found


async def _learn(reporter: Reporter, credential: str, read: Read) -> None:
    assert not isinstance(read.outcome, Page)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        row = await credentials.locked(session, credential)
        await credentials.learn(session, row, Sent(read.outcome, read.exchange), is_probe=False, now=now)


def _is_covered(statuses: list[PostedStatus], seen: Look) -> bool:
    """Whether the topmost status is an older report of ours. One of somebody else's is theirs to answer for."""
    return bool(statuses) and any(carries(statuses[0].target_url, mark) for mark in seen.older)


def _marks(status: PostedStatus, seen: Look) -> Iterable[str]:
    return (mark for mark in (seen.marker, *seen.older) if carries(status.target_url, mark))
