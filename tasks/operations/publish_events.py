"""Publishes committed events to the flow run's log and to Prefect.

Events are best effort. They are sent in the background, some at a time, by a request of our own and not by Prefect's
`emit_event`: with a server that is gone, that one delays the end of the process by eight seconds for each event that
waits, and one reconciliation run may have hundreds.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from prefect import get_client, get_run_logger
from prefect.events import Event
from prefect.runtime import flow_run

from domain.delivery.notifications import Notification, Publish
from domain.operations.notification_lines import level_of, line_of
from tasks.operations.best_effort import updating
from tasks.operations.prefect_events import event_of

TIMEOUT = timedelta(seconds=5)
"""How long Prefect may take for what is sent at once, and the end of a flow run for the last of it."""

EVERY = timedelta(seconds=1)
"""Events of one second are one request: those of a short job are sent at its end."""


@asynccontextmanager
async def publishing() -> AsyncIterator[Publish]:
    """Publish events to this flow run's log and to Prefect. What cannot be sent in time is logged, and dropped.

    Never delays the block, but its end for up to `TIMEOUT`.
    """
    run_id, logger = UUID(flow_run.id), get_run_logger()
    waiting, wanted = list[Event](), asyncio.Event()

    def publish(notification: Notification) -> None:
        logger.log(level_of(notification), "%s", line_of(notification))
        if (event := event_of(notification, run_id)) is not None:
            waiting.append(event)
            wanted.set()

    async def send() -> None:
        batch = waiting.copy()
        waiting.clear()
        if batch:
            await _send(batch)

    async with updating(send, wanted, "events could not be sent to Prefect", longest=TIMEOUT, every=EVERY):
        yield publish


async def _send(batch: Sequence[Event]) -> None:
    async with asyncio.timeout(TIMEOUT.total_seconds()), get_client() as client:
        answer = await client.request("POST", "/events", json=[event.model_dump(mode="json") for event in batch])
        answer.raise_for_status()
