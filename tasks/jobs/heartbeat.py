"""The beat of an execution: a sign of life every ten seconds; beside it, a look whether it is still wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import Enum

from domain.jobs.execution import Execution
from storage.jobs import jobs
from tasks.delivery.deliver import Reporter
from tasks.delivery.ledger_retry import is_told

BEAT_EVERY = timedelta(seconds=10)
AGAIN = timedelta(seconds=5)
"""After a beat that failed the next one begins so long after it began: with what it may take, well within a watch."""
PATIENCE = timedelta(seconds=4)
"""How long a beat may take: a connection that nobody answers must not hold up the next."""

WATCH = BEAT_EVERY * 1.2
"""How long a suspect is watched. Who lives gives a sign of life within it, though the ledger was just away; and of who
died, the supervisor has ended the last process by then, so that the next job of an exclusive group may begin."""

ASK_EVERY = timedelta(seconds=30)
"""How often it is asked whether the job was cancelled."""


class Stopped(Enum):
    """Why an execution must not go on."""

    NOT_OURS = "not ours"  # ended or taken over by somebody else
    CANCELLED = "cancelled"


async def keep_heartbeat(
    reporter: Reporter,
    execution: Execution,
    is_cancelled: Callable[[], Awaitable[bool]],
    warn: Callable[[str], None],
) -> Stopped:
    """Give signs of life until the execution must not go on.

    What cannot be done or asked is no news: who gives no sign of life for long is ended by the reconciliation.
    """

    async def is_lost() -> bool:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return not await _beat(reporter, execution)

    beats = asyncio.create_task(_until(is_lost, BEAT_EVERY, AGAIN, "no beat could be given", warn))
    asks = asyncio.create_task(_until(is_cancelled, ASK_EVERY, ASK_EVERY, "Prefect could not be asked", warn))
    try:
        await asyncio.wait({beats, asks}, return_when=asyncio.FIRST_COMPLETED)
        return Stopped.NOT_OURS if beats.done() else Stopped.CANCELLED
    finally:
        for task in (beats, asks):
            task.cancel()
        await asyncio.wait({beats, asks})


async def _until(
    holds: Callable[[], Awaitable[bool]],
    every: timedelta,
    again: timedelta,
    trouble: str,
    warn: Callable[[str], None],
) -> None:
    """Ask *every* so often until it *holds*. After a failed try the next begins *again* so long after that one."""
    clock, wait, failures = asyncio.get_running_loop().time, every.total_seconds(), 0
    while True:
        await asyncio.sleep(wait)
        asked_at, wait = clock(), every.total_seconds()
        try:
            if await holds():
                return
            failures = 0
        except Exception as error:  # noqa: BLE001  # whatever it is, the command goes on
            failures += 1
            if is_told(failures):
                warn(f"{trouble}: {str(error) or type(error).__name__}")
            wait = again.total_seconds() - (clock() - asked_at)


async def _beat(reporter: Reporter, execution: Execution) -> bool:
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        return await jobs.heartbeat(session, execution.job_id, execution.number, now=now)
