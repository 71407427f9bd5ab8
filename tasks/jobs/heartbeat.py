"""Sends an execution's heartbeat every ten seconds, and asks Prefect whether the job was cancelled."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from domain.jobs.execution import Execution
from storage.jobs import jobs
from tasks.delivery.ledger_retry import should_log
from tasks.delivery.reporter import Reporter

logger = logging.getLogger("reportback.jobs")

HEARTBEAT_EVERY = timedelta(seconds=10)
RETRY_AFTER = timedelta(seconds=5)
"""How long after the start of a failed heartbeat the next one starts: with its timeout, well within `WATCH_FOR`."""
HEARTBEAT_TIMEOUT = timedelta(seconds=4)
"""How long a heartbeat may take: a connection without an answer must not hold up the next."""

WATCH_FOR = HEARTBEAT_EVERY * 1.2
"""How long a silent process is watched. A live one sends a heartbeat within it, even after an outage of the ledger; the
supervisor of a dead one has ended all processes by then, so that the next job of an exclusive group may start."""

CANCEL_CHECK_EVERY = timedelta(seconds=30)
"""How often Prefect is asked whether the job was cancelled."""


T = TypeVar("T")


async def keep_heartbeat(
    reporter: Reporter, execution: Execution, why_cancelled: Callable[[], Awaitable[str]]
) -> str | None:
    """Send heartbeats until the execution must not go on. Returns why it is cancelled; None: it is no longer ours.

    Failures change nothing here: a process without a heartbeat for long is ended by the reconciliation.
    """

    async def is_lost() -> bool:
        sending = asyncio.create_task(_send_heartbeat(reporter, execution))
        sending.add_done_callback(_forget)
        await asyncio.wait({sending}, timeout=HEARTBEAT_TIMEOUT.total_seconds())
        if not sending.done():  # left alone: a transaction can only be waited for
            raise TimeoutError(f"no answer within {HEARTBEAT_TIMEOUT.total_seconds():g} s")
        return not sending.result()

    heartbeats = asyncio.create_task(_poll(is_lost, HEARTBEAT_EVERY, RETRY_AFTER, "the heartbeat could not be stored"))
    cancel_checks = asyncio.create_task(
        _poll(why_cancelled, CANCEL_CHECK_EVERY, CANCEL_CHECK_EVERY, "Prefect could not be asked")
    )
    try:
        await asyncio.wait({heartbeats, cancel_checks}, return_when=asyncio.FIRST_COMPLETED)
        return None if heartbeats.done() else cancel_checks.result()
    finally:
        for task in (heartbeats, cancel_checks):
            task.cancel()
        await asyncio.wait({heartbeats, cancel_checks})


def _forget(late: asyncio.Task[bool]) -> None:
    """Take the error of a heartbeat for which nothing waits any more."""
    if not late.cancelled():
        late.exception()


async def _poll(ask: Callable[[], Awaitable[T]], every: timedelta, again: timedelta, trouble: str) -> T:
    """Call *ask* at intervals of *every* until its answer is true; *again* after the start of a try that failed."""
    clock, wait, failures = asyncio.get_running_loop().time, every.total_seconds(), 0
    while True:
        await asyncio.sleep(wait)
        asked_at, wait = clock(), every.total_seconds()
        try:
            if answer := await ask():
                return answer
            failures = 0
        except Exception as error:  # noqa: BLE001  # whatever the error, the command goes on
            failures += 1
            if should_log(failures):
                logger.warning("%s: %s", trouble, str(error) or type(error).__name__)
            wait = again.total_seconds() - (clock() - asked_at)


async def _send_heartbeat(reporter: Reporter, execution: Execution) -> bool:
    return await reporter.ledger.write(jobs.heartbeat, execution.job_id, execution.number)
