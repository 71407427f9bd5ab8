"""Ends jobs whose process died or has been silent for too long, so that `error` is reported for them."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from domain.redact import of_error
from storage.jobs import liveness
from storage.jobs.jobs import OLD_HEARTBEAT
from storage.jobs.liveness import AtWork
from storage.transaction import Transaction, timed
from tasks.delivery.reporter import Reporter
from tasks.jobs.heartbeat import WATCH_FOR
from tasks.process.identity import is_gone, kill

logger = logging.getLogger("reportback.jobs")

HUNG = timedelta(minutes=10)
"""After so long without a heartbeat a live process hangs or is stopped: its commit must not wait for it."""


async def end_lost_jobs(reporter: Reporter) -> list[UUID]:
    """End lost jobs, and return their ids. Takes 12 s if any job is suspect, else no time.

    A job is lost if it sends no heartbeat while it is watched, and either its process is gone from this machine, or
    its last heartbeat is 30 s old by then. If it comes back, its own outcome supersedes this `error`.
    An error with one job is logged, and raised once the others are ended.
    """
    at_work, now = await reporter.ledger.read(timed, liveness.at_work)
    suspects = [one for one in at_work if _why(one, now + WATCH_FOR)]
    if not suspects:
        return []
    await reporter.sleep(WATCH_FOR.total_seconds())
    still = [one for one in await reporter.ledger.read(liveness.at_work) if one in suspects]
    return await _lose_each(reporter, still)


async def _lose_each(reporter: Reporter, suspects: Sequence[AtWork]) -> list[UUID]:
    ended: list[UUID] = []
    troubles: list[Exception] = []
    for one in suspects:
        try:
            if await _lose(reporter, one):
                ended.append(one.job_id)
        except Exception as error:  # noqa: BLE001  # one failing job must not hold up the others
            logger.warning("job %s could not be ended: %s", one.job_id, of_error(error))
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return ended


async def _lose(reporter: Reporter, one: AtWork) -> bool:
    """End *one* as lost, unless it may live. A hanging process is killed first; its supervisor ends the command."""
    if _why(one, await reporter.ledger.now()):
        kill(one.process)

    def lose(tx: Transaction) -> bool:
        words = _why(one, tx.now)
        return words is not None and liveness.lose(tx, one, words)

    return await reporter.ledger.write(lose)


def _why(one: AtWork, now: datetime) -> str | None:
    """Why *one* is lost, for the commit's status, if it sends no heartbeat until *now*. None: it may live."""
    gone, silence = is_gone(one.process), now - one.beat_at
    since = f"no sign of life since {one.beat_at:%H:%M:%S} UTC"
    if gone:
        return f"its process died: {since}"
    if gone is None and silence >= OLD_HEARTBEAT:
        return f"lost: {since}"
    return f"its process hangs: {since}" if silence >= HUNG else None
