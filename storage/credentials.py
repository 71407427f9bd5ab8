"""Pauses: what GitHub said to one sender holds for all with the same credential, and survives every process."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.news import Paused
from domain.outcome import NoToken, NotSent, Read, Sent, Throttled, Unknown
from domain.policy import pause
from storage import news
from storage.models import Credential
from storage.once import insert_once


async def ensure(session: AsyncSession, name: str) -> None:
    """The credential has its row."""
    await insert_once(session, Credential, ("name",), {"name": name})


async def locked(session: AsyncSession, name: str) -> Credential:
    """The credential's row, locked: whoever holds it decides alone whether a request may leave."""
    statement = select(Credential).where(Credential.name == name).with_for_update(key_share=True)
    return (await session.exec(statement, execution_options={"populate_existing": True})).one()


def is_paused(credential: Credential, now: datetime) -> bool:
    """Whether no request may leave. A pause that is over still lets only a probe through: see `probe`."""
    return credential.paused_until is not None and credential.paused_until > now


async def probe(session: AsyncSession, credential: Credential, *, until: datetime) -> datetime | None:
    """Let one claim through after a pause: it moves to *until*, and only this claim's answer ends it or doubles it.

    None: there is no pause, and everybody may send.
    """
    if credential.paused_until is None:
        return None
    await _move(session, credential, until)
    return until


def is_probe(credential: Credential, probe_until: datetime | None) -> bool:
    """Whether who was let through until *probe_until* still is the one probe: nobody has moved the pause since."""
    return probe_until is not None and credential.paused_until == probe_until


def must_wait(credential: Credential, probe_until: datetime | None) -> bool:
    """Whether who was let through, perhaps until *probe_until*, may make no further request: a pause has come since."""
    return credential.paused_until is not None and not is_probe(credential, probe_until)


async def move_probe(
    session: AsyncSession, credential: Credential, probe_until: datetime | None, *, until: datetime
) -> datetime | None:
    """Let the next probe through at *until*: this one is still at it, or was not made. None: it is not the probe."""
    if not is_probe(credential, probe_until):
        return None
    await _move(session, credential, until)
    return until


async def _move(session: AsyncSession, credential: Credential, until: datetime) -> None:
    await session.exec(update(Credential).where(col(Credential.name) == credential.name).values(paused_until=until))


async def learn(
    session: AsyncSession, credential: Credential, seen: Sent | Read, *, probe_until: datetime | None, now: datetime
) -> None:
    """Take in what an answer says about the credential's pause and its hourly account. The row is locked.

    *probe_until*: until when who asked was let through as the probe, if it was.
    """
    answers_pause = is_probe(credential, probe_until)
    values: dict[str, object] = {}
    outcome, exchange = seen.outcome, seen.exchange
    if isinstance(outcome, Throttled):
        values = pausing = _pausing(credential, outcome, answers_pause=answers_pause, now=now)
        if "pause_seconds" in pausing:  # a pause begins or is doubled; a longer one is the same
            news.add(session, Paused(credential.name, pausing["paused_until"], outcome.reason))
    elif answers_pause:
        silent = isinstance(outcome, NotSent | NoToken | Unknown) and exchange.http_status is None
        values = (
            {"paused_until": now} if silent else {"paused_until": None, "pause_seconds": None, "pause_reason": None}
        )
    if (rate := exchange.rate_limit) is not None:
        values |= {"rate_limit": rate.limit, "rate_remaining": rate.remaining, "rate_reset_at": rate.reset_at}
    if exchange.github_time is not None:
        values |= {"github_time": exchange.github_time}
    if values:
        await session.exec(update(Credential).where(col(Credential.name) == credential.name).values(**values))


def _pausing(credential: Credential, outcome: Throttled, *, answers_pause: bool, now: datetime) -> dict[str, Any]:
    in_a_row = credential.pause_seconds is not None
    previous = timedelta(seconds=credential.pause_seconds or 0) if in_a_row else None
    if credential.paused_until is not None and not answers_pause:  # an earlier request's only lengthens it
        named = now + pause(outcome.until, None, now=now) if outcome.until else now
        return {"paused_until": max(named, credential.paused_until)}
    wait = pause(outcome.until, previous, now=now)
    return {"paused_until": now + wait, "pause_seconds": round(wait.total_seconds()), "pause_reason": outcome.reason}
