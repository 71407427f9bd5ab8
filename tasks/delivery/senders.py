"""Runs deliveries concurrently, shared among credentials: the batch of one never holds up another's report."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from domain.redact import of_error
from storage.delivery.availability import Busy, Settled
from storage.delivery.due import Offer
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

logger = logging.getLogger("reportback.delivery")

COOLDOWN = timedelta(seconds=1)
"""How long a target is left alone after a try that settled nothing: another sender has it, or it raised."""


class Senders:
    """Runs up to *most* deliveries at once; of one credential one fewer, so that another one's first finds room.

    `settled` holds the results of tries other than `Busy`. What a try raises is logged.
    """

    def __init__(self, reporter: Reporter, most: int) -> None:
        self._reporter = reporter
        self._most = most
        self._most_of_one = max(1, most - 1)
        budget = reporter.policy.budget
        self._is_spaced = budget is not None and bool(budget.spacing)
        self._running: dict[asyncio.Task[Settled | Busy | None], Offer] = {}
        self._unsettled: list[int] = []
        self._cooldowns: dict[int, datetime] = {}
        self._started = count(1)
        self._last_started: dict[str, int] = {}
        self.settled: list[Settled] = []

    @property
    def are_idle(self) -> bool:
        """Whether no delivery is running."""
        return not self._running

    def begin(self, offers: Sequence[Offer], *, now: datetime) -> None:
        """Start as many as there is room for, first of the credential with the fewest running and the oldest start.

        Where requests are spaced, start one per credential that may send now: the next one's moment is queried anew.
        """
        self._cooldowns |= dict.fromkeys(self._unsettled, now + COOLDOWN)
        self._unsettled.clear()
        open_to = [offer for offer in offers if self._may_begin(offer, now)]
        while open_to and len(self._running) < self._most:
            offer = min(
                open_to, key=lambda one: (self._running_of(one.credential), self._last_started.get(one.credential, 0))
            )
            open_to.remove(offer)
            if self._running_of(offer.credential) < self._most_of_one:
                self._begin(offer)
                if self._is_spaced and not offer.reads_back:
                    open_to = [one for one in open_to if one.reads_back or one.credential != offer.credential]
            else:
                open_to = [one for one in open_to if one.credential != offer.credential]

    def _may_begin(self, offer: Offer, now: datetime) -> bool:
        cools_until = self._cooldowns.get(offer.target_id, now)
        return cools_until <= now and offer.target_id not in {one.target_id for one in self._running.values()}

    def _running_of(self, credential: str) -> int:
        return sum(offer.credential == credential for offer in self._running.values())

    def _begin(self, offer: Offer) -> None:
        self._last_started[offer.credential] = next(self._started)
        self._running[asyncio.create_task(self._try(offer))] = offer

    async def _try(self, offer: Offer) -> Settled | Busy | None:
        try:
            return await deliver(self._reporter, offer.target_id, only_if_due=True)
        except Exception as error:  # noqa: BLE001  # one failing report must not hold up the others
            logger.warning("target %d could not be tried: %s", offer.target_id, of_error(error))
            return None

    async def wait(self, others: Sequence[asyncio.Future[Any]], *, most: timedelta | None = None) -> None:
        """Wait until a delivery is done, or one of the *others*, but no longer than *most*."""
        seconds = most.total_seconds() if most is not None else None
        await asyncio.wait({*self._running, *others}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in self._running if task.done()]:
            offer, result = self._running.pop(task), task.result()
            if isinstance(result, Settled):
                self.settled.append(result)
            else:
                self._unsettled.append(offer.target_id)

    async def finish(self) -> None:
        """Wait for all running deliveries."""
        while self._running:
            await self.wait(())

    async def stop(self) -> None:
        """Cancel all running deliveries: their leases expire."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
