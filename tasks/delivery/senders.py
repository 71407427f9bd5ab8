"""Deliveries at once, shared out among credentials, so that the batch of one never holds up another's report."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from domain.redact import of_error
from storage.delivery.availability import Busy, Settled
from storage.delivery.due import Offer
from tasks.delivery.deliver import Reporter, deliver

REST = timedelta(seconds=1)
"""How long a target is left alone that came to nothing: others are at work on it, or it raised."""


class Senders:
    """Up to *most* deliveries at once; of one credential one fewer, so that another's first finds room.

    `settled`: what the tries came to that were not `Busy`. What a try raises is told to *warn*.
    """

    def __init__(self, reporter: Reporter, most: int, warn: Callable[[str], None]) -> None:
        self._reporter = reporter
        self._most = most
        self._most_of_one = max(1, most - 1)
        budget = reporter.policy.budget
        self._is_spaced = budget is not None and bool(budget.spacing)
        self._warn = warn
        self._at_work: dict[asyncio.Task[Settled | Busy | None], Offer] = {}
        self._came_to_nothing: list[int] = []
        self._rests: dict[int, datetime] = {}
        self._turns = count(1)
        self._last_turn: dict[str, int] = {}
        self.settled: list[Settled] = []

    @property
    def are_idle(self) -> bool:
        """Whether nothing is at work."""
        return not self._at_work

    def begin(self, offers: Sequence[Offer], *, now: datetime) -> None:
        """Begin what there is room for: of the credential first that has the fewest at work, and began longest ago.

        Of one whose requests are spaced only one that may send now: the next one's moment is asked for anew.
        """
        self._rests |= dict.fromkeys(self._came_to_nothing, now + REST)
        self._came_to_nothing.clear()
        open_to = [offer for offer in offers if self._may_begin(offer, now)]
        while open_to and len(self._at_work) < self._most:
            offer = min(open_to, key=lambda one: (self._own(one.credential), self._last_turn.get(one.credential, 0)))
            open_to.remove(offer)
            if self._own(offer.credential) < self._most_of_one:
                self._begin(offer)
                if self._is_spaced and not offer.reads_back:
                    open_to = [one for one in open_to if one.reads_back or one.credential != offer.credential]
            else:
                open_to = [one for one in open_to if one.credential != offer.credential]

    def _may_begin(self, offer: Offer, now: datetime) -> bool:
        rests_until = self._rests.get(offer.target_id, now)
        return rests_until <= now and offer.target_id not in {one.target_id for one in self._at_work.values()}

    def _own(self, credential: str) -> int:
        return sum(offer.credential == credential for offer in self._at_work.values())

    def _begin(self, offer: Offer) -> None:
        self._last_turn[offer.credential] = next(self._turns)
        self._at_work[asyncio.create_task(self._try(offer))] = offer

    async def _try(self, offer: Offer) -> Settled | Busy | None:
        try:
            return await deliver(self._reporter, offer.target_id, only_if_due=True)
        except Exception as error:  # noqa: BLE001  # one report's trouble must not keep the others waiting
            self._warn(f"target {offer.target_id} could not be tried: {of_error(error)}")
            return None

    async def wait(self, others: Sequence[asyncio.Future[Any]], *, most: timedelta | None = None) -> None:
        """Wait until a delivery is done, or one of the *others*, but no longer than *most*."""
        seconds = most.total_seconds() if most is not None else None
        await asyncio.wait({*self._at_work, *others}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in self._at_work if task.done()]:
            offer, result = self._at_work.pop(task), task.result()
            if isinstance(result, Settled):
                self.settled.append(result)
            else:
                self._came_to_nothing.append(offer.target_id)

    async def finish(self) -> None:
        """Wait for all that is at work."""
        while self._at_work:
            await self.wait(())

    async def stop(self) -> None:
        """Cancel all that is at work: their leases run out."""
        for task in self._at_work:
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)
