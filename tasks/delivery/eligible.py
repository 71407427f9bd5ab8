"""Selects what a reconciliation run may try now, given the secrets that this process has."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TypeAlias

from domain.delivery.budget import WriteBudget
from github_api.credentials import secret_behind
from storage.delivery import due, pauses
from storage.delivery.due import Offer
from storage.transaction import Transaction
from tasks.delivery.reporter import Reporter

BATCH = 100
"""Reports that are offered to the senders at once, shared among credentials."""

Offered: TypeAlias = tuple[datetime, list[Offer], datetime | None]
"""The time, what is due, and when more may come due."""


async def offered(reporter: Reporter) -> Offered:
    """What a reconciliation run may try now.

    Leaves out credentials whose secret here was refused by GitHub and has to wait.
    """
    refusing, found = await reporter.ledger.write(_unless_refused, reporter.policy.budget)
    if found is not None:
        return found
    return await reporter.ledger.write(_offered, await _secrets(reporter, refusing), reporter.policy.budget)


def _unless_refused(tx: Transaction, budget: WriteBudget | None) -> tuple[list[str], Offered | None]:
    """The credentials with a refused secret; if there is none, what is due, in the same transaction."""
    refusing = pauses.refusing(tx)
    return refusing, None if refusing else _offered(tx, {}, budget)


async def _secrets(reporter: Reporter, credentials: Iterable[str]) -> dict[str, str]:
    """Fingerprints of the secrets of *credentials*. Unreadable ones are left out: their deliveries say why."""
    secrets: dict[str, str] = {}
    for name in credentials:
        with suppress(Exception):
            secrets[name] = secret_behind(await reporter.secret_of(name))
    return secrets


def _offered(tx: Transaction, secrets: Mapping[str, str], budget: WriteBudget | None) -> Offered:
    waiting = pauses.waiting(tx, secrets)
    offers = due.offers(tx, limit=BATCH, write_budget=budget, waiting=waiting)
    return tx.now, offers, due.next_due(tx, write_budget=budget, waiting=waiting)
