"""Selects what a reconciliation run may try now, given the secrets that this process has."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from domain.delivery.budget import WriteBudget
from github_api.credentials import secret_behind
from storage.delivery import due, pauses
from storage.delivery.due import Offer
from storage.transaction import Transaction
from tasks.delivery.reporter import Reporter

BATCH = 100
"""Reports that are offered to the senders at once, shared among credentials."""


async def offered(reporter: Reporter) -> tuple[datetime, list[Offer], datetime | None]:
    """The time, what is due, and when more may come due.

    Leaves out credentials whose secret here was refused by GitHub and has to wait.
    """
    secrets = await _secrets(reporter, await reporter.ledger.read(pauses.refusing))
    return await reporter.ledger.write(_offered, secrets, reporter.policy.budget)


async def _secrets(reporter: Reporter, credentials: Iterable[str]) -> dict[str, str]:
    """Fingerprints of the secrets of *credentials*. Unreadable ones are left out: their deliveries say why."""
    secrets: dict[str, str] = {}
    for name in credentials:
        with suppress(Exception):
            secrets[name] = secret_behind(await reporter.token_of(name))
    return secrets


def _offered(
    tx: Transaction, secrets: Mapping[str, str], budget: WriteBudget | None
) -> tuple[datetime, list[Offer], datetime | None]:
    waiting = pauses.waiting(tx, secrets)
    offers = due.offers(tx, limit=BATCH, write_budget=budget, waiting=waiting)
    return tx.now, offers, due.next_due(tx, write_budget=budget, waiting=waiting)
