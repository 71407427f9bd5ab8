"""Where a pass that ran out of time stopped to look for what may go.

If each began with the oldest, what may not go could fill its time, and nothing behind it would ever be forgotten.
"""

from datetime import UTC, datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from storage import counters
from storage.counters import Key
from storage.operations.retention import PruneCursor

ENDED_AT: Key = ("pruned", "ended_at", "")
"""In microseconds since 1970."""

NUMBER: Key = ("pruned", "number", "")

START = datetime(1970, 1, 1, tzinfo=UTC)
UNIT = timedelta(microseconds=1)


async def stopped_at(session: AsyncSession) -> PruneCursor | None:
    """Where to go on. None: with the oldest."""
    found = await counters.read(session)
    return PruneCursor(START + found[ENDED_AT] * UNIT, found[NUMBER]) if found[NUMBER] else None


async def stop_at(session: AsyncSession, place: PruneCursor | None) -> None:
    """Have the next pass go on there. None: that was all, and it begins anew."""
    marks = {ENDED_AT: (place.ended_at - START) // UNIT, NUMBER: place.number} if place else {ENDED_AT: 0, NUMBER: 0}
    await counters.put(session, marks)
