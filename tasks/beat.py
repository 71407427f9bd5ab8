"""The beat of an execution: a sign of life every ten seconds, and a look whether it is still wanted."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import Enum
from itertools import count

from storage import jobs
from storage.jobs import Execution
from tasks.deliver import Reporter

BEAT_EVERY = timedelta(seconds=10)
ASK_EVERY = 3
"""Beats from one question whether the job was cancelled to the next."""


class Stopped(Enum):
    """Why an execution must not go on."""

    NOT_OURS = "not ours"  # ended or taken over by somebody else
    CANCELLED = "cancelled"


async def beat_on(
    reporter: Reporter,
    execution: Execution,
    is_cancelled: Callable[[], Awaitable[bool]],
    on_trouble: Callable[[str], None],
) -> Stopped:
    """Give signs of life until the execution must not go on.

    What cannot be done or asked is no news: who gives no sign of life for long is ended by the reconciliation.
    """
    for number in count(1):
        await asyncio.sleep(BEAT_EVERY.total_seconds())
        try:
            if not await _beat(reporter, execution):
                return Stopped.NOT_OURS
            if number % ASK_EVERY == 0 and await is_cancelled():
                return Stopped.CANCELLED
        except Exception as error:  # noqa: BLE001  # whatever it is, the command goes on
            on_trouble(f"no beat could be given: {error}")
    raise AssertionError("it counts for ever")


async def _beat(reporter: Reporter, execution: Execution) -> bool:
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        return await jobs.beat(session, execution.job_id, execution.number, now=now)
