"""Selects what a reconciliation run may try now, given the secrets that this process has."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from github_api.credentials import secret_behind
from storage.delivery import due, pauses
from storage.delivery.due import Offer
from tasks.delivery.reporter import Reporter

BATCH = 100
"""Reports that are offered to the senders at once, shared among credentials."""


async def offered(reporter: Reporter) -> tuple[datetime, list[Offer], datetime | None]:
    """The time, what is due, and when more may come due.

    Leaves out credentials whose secret here was refused by GitHub and has to wait.
    """
    async with reporter.transaction() as (session, now):
        refusing = await pauses.refusing(session, now=now)
        if not refusing:
            return await _offered(session, reporter, {}, now)
    secrets = await _secrets(reporter, refusing)
    async with reporter.transaction() as (session, now):
        return await _offered(session, reporter, await pauses.waiting(session, secrets, now=now), now)


async def _secrets(reporter: Reporter, credentials: Iterable[str]) -> dict[str, str]:
    """Fingerprints of the secrets of *credentials*. Unreadable ones are left out: their deliveries say why."""
    secrets: dict[str, str] = {}
    for name in credentials:
        with suppress(Exception):
            secrets[name] = secret_behind(await reporter.token_of(name))
    return secrets


async def _offered(
    session: AsyncSession, reporter: Reporter, waiting: Mapping[str, datetime], now: datetime
) -> tuple[datetime, list[Offer], datetime | None]:
    budget = reporter.policy.budget
    offers = await due.offers(session, limit=BATCH, write_budget=budget, waiting=waiting, now=now)
    return now, offers, await due.next_due(session, write_budget=budget, waiting=waiting, now=now)
