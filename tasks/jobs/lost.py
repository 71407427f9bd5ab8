"""End the jobs whose process has died, or has been silent for too long, and have `error` reported for them."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.redact import of_error
from storage.jobs import liveness
from storage.jobs.jobs import OLD_HEARTBEAT
from storage.jobs.liveness import AtWork
from tasks.delivery.deliver import Reporter
from tasks.jobs.heartbeat import WATCH
from tasks.process.identity import is_gone, kill

HUNG = timedelta(minutes=10)
"""A process that lives but has been silent for this long hangs, or is stopped: the commit must not wait for it."""


async def end_lost_jobs(reporter: Reporter, *, warn: Callable[[str], None]) -> list[UUID]:
    """The ids of the jobs that were ended as lost. Takes 12 s if any job is suspect, else no time.

    A job is lost when it gives no sign of life while it is watched, and either its process is seen to be gone from
    this machine, or its beat is 30 s old by then. Should it come back, its own outcome speaks over this `error`.
    What keeps one from being ended is said, and raised once the others are.
    """
    suspects = [one for one, now in await _at_work(reporter) if _why(one, now + WATCH)]
    if not suspects:
        return []
    await reporter.sleep(WATCH.total_seconds())
    still = [one for one, _ in await _at_work(reporter) if one in suspects]
    return await _lose_each(reporter, still, warn)


async def _at_work(reporter: Reporter) -> list[tuple[AtWork, datetime]]:
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        return [(one, now) for one in await liveness.at_work(session)]


async def _lose_each(reporter: Reporter, suspects: Sequence[AtWork], warn: Callable[[str], None]) -> list[UUID]:
    ended: list[UUID] = []
    troubles: list[Exception] = []
    for one in suspects:
        try:
            if await _lose(reporter, one):
                ended.append(one.job_id)
        except Exception as error:  # noqa: BLE001  # one job's trouble must not keep the others waiting
            warn(f"job {one.job_id} could not be ended: {of_error(error)}")
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return ended


async def _lose(reporter: Reporter, one: AtWork) -> bool:
    """End *one* as lost, unless it may live. One that hangs here is killed first; its supervisor ends the command."""
    if _why(one, await reporter.ledger.now()):
        kill(one.process)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        words = _why(one, now)
        return words is not None and await liveness.lose(session, one, words, actor=reporter.actor, now=now)


def _why(one: AtWork, now: datetime) -> str | None:
    """Why *one* is lost, if it gives no sign of life until *now*: said on the commit. None: it may live."""
    gone, silence = is_gone(one.process), now - one.beat_at
    since = f"no sign of life since {one.beat_at:%H:%M:%S} UTC"
    if gone:
        return f"its process died: {since}"
    if gone is None and silence >= OLD_HEARTBEAT:
        return f"lost: {since}"
    return f"its process hangs: {since}" if silence >= HUNG else None
