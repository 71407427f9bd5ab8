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
from tasks.operations.correct_run_states import best_effort
from tasks.operations.prefect_events import event_of

TIMEOUT = timedelta(seconds=5)
"""How long Prefect may take for what is sent at once, and the end of a flow run for the last of it."""

NOT_SENT = "events could not be sent to Prefect"


@asynccontextmanager
async def publishing() -> AsyncIterator[Publish]:
    """Publish events to this flow run's log and to Prefect. What cannot be sent in time is logged, and dropped.

    Never delays the block, but its end for up to `TIMEOUT`.
    """
    run_id, logger = UUID(flow_run.id), get_run_logger()
    events = _EventQueue()

    def publish(notification: Notification) -> None:
        logger.log(level_of(notification), "%s", line_of(notification))
        if (event := event_of(notification, run_id)) is not None:
            events.add(event)

    sending = asyncio.create_task(events.send())
    try:
        yield publish
    finally:
        events.finish()
        _, late = await asyncio.wait({sending}, timeout=TIMEOUT.total_seconds())
        if late:
            logger.warning("%s: it takes too long", NOT_SENT)
        sending.cancel()
        await asyncio.wait({sending})


class _EventQueue:
    """Events to send to Prefect's server."""

    def __init__(self) -> None:
        self._waiting: list[Event] = []
        self._is_wanted = asyncio.Event()
        self._is_over = False

    def add(self, event: Event) -> None:
        """Queue *event*: it is sent with all others that wait."""
        self._waiting.append(event)
        self._is_wanted.set()

    def finish(self) -> None:
        """Send what waits, then stop."""
        self._is_over = True
        self._is_wanted.set()

    async def send(self) -> None:
        """Send what is added, until `finish`."""
        while self._waiting or not self._is_over:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            batch, self._waiting = self._waiting, []
            if batch:
                await best_effort(_send(batch), NOT_SENT)


async def _send(batch: Sequence[Event]) -> None:
    async with asyncio.timeout(TIMEOUT.total_seconds()), get_client() as client:
        answer = await client.request("POST", "/events", json=[event.model_dump(mode="json") for event in batch])
        answer.raise_for_status()
