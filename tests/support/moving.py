"""Moves a ledger to another place, and reads what is there."""

from datetime import datetime
from typing import Any
from uuid import UUID

from first_ledger import connected
from world import Clock

from storage.identity import ledger_id
from storage.ledger import open_ledger
from storage.maintenance import copy_rows
from storage.maintenance import move as moving
from storage.maintenance.move import move

LATER = 600
"""Seconds after the first ledger's time, when no process uses it any more."""


def moved(source: str, destination: str, clock: Clock) -> int | None:
    return move(source, destination, time=at(clock))


def at(clock: Clock) -> moving.Time:
    def time(_: object) -> datetime:
        return clock.now

    return time


def rows(url: str) -> dict[str, list[Any]]:
    """All there is, by table."""
    with connected(url) as connection:
        return {table.name: sorted(connection.execute(table.select()).all(), key=str) for table in copy_rows.TABLES}


async def id_of(url: str) -> UUID:
    async with open_ledger(url) as ledger:
        return await ledger.read(ledger_id)
