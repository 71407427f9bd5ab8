"""Pauses of senders: of a credential, for a rate limit, and of a secret that GitHub refused (401).

A refused secret is stored by its fingerprint, independent of GitHub's answers to other secrets of the credential:
senders with another secret go on at once. All of it is guarded by the lock of the credential's row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, delete, exists, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.notifications import Resumed
from domain.delivery.outcome import Reason
from domain.delivery.policy import LONGEST_PAUSE, pause
from storage import after_commit
from storage.dialect import INSERT
from storage.identity import fingerprint
from storage.models import Credential, RefusedSecret, StatusTarget

Pause: TypeAlias = Credential | RefusedSecret
FOR_A_REFUSED_SECRET = col(Credential.pause_reason) == Reason.BAD_CREDENTIALS
"""Condition: the pause shown in the credential's row applies only to senders with the refused secret."""

CLEARED = {"paused_until": None, "pause_seconds": None, "pause_reason": None}


def is_for_a_limit(credential: Credential) -> bool:
    """Whether the credential's row holds a pause for every sender. After a 401 it only informs operators."""
    return credential.paused_until is not None and credential.pause_reason != Reason.BAD_CREDENTIALS


def has_refused(credential: Credential, now: datetime) -> bool:
    """Whether a secret of the credential was refused recently, so that senders must give the hash of theirs."""
    return credential.refused_until is not None and credential.refused_until + LONGEST_PAUSE > now


async def binding(session: AsyncSession, credential: Credential, secret: str | None, *, now: datetime) -> list[Pause]:
    """The pauses that apply to a sender with *secret*, expired or not. *secret* None: it is not known."""
    limit: list[Pause] = [credential] if is_for_a_limit(credential) else []
    refused = await refusal(session, credential, secret, now=now) if secret is not None else None
    return [*limit, refused] if refused is not None else limit


async def refusal(session: AsyncSession, credential: Credential, secret: str, *, now: datetime) -> RefusedSecret | None:
    """The refusal of *secret*. None: there is none, or its pause ended more than an hour ago."""
    if not has_refused(credential, now):
        return None
    key = (credential.name, await fingerprint(session, secret))
    found = await session.get(RefusedSecret, key, populate_existing=True)
    return found if found is not None and found.paused_until + LONGEST_PAUSE > now else None


def is_paused(pauses: Sequence[Pause], now: datetime) -> bool:
    """Whether no request may be sent. After an expired pause only the half-open probe may: see `probe`."""
    return any(one.paused_until is not None and one.paused_until > now for one in pauses)


async def probe(session: AsyncSession, pauses: Sequence[Pause], *, until: datetime) -> datetime | None:
    """Let one claim through as the half-open probe: the pause moves to *until*; only this claim's answer ends it.

    None: there is no pause, and every sender may send.
    """
    for one in pauses:
        await move(session, one, until)
    return until if pauses else None


def is_probe(one: Pause, probe_until: datetime | None) -> bool:
    """Whether the claim let through until *probe_until* is still the probe: the pause was not moved since."""
    return probe_until is not None and one.paused_until == probe_until


def must_wait(pauses: Sequence[Pause], probe_until: datetime | None) -> bool:
    """Whether a claim, perhaps the probe until *probe_until*, may make no further request: a pause began since."""
    return not all(is_probe(one, probe_until) for one in pauses)


async def move_probe(
    session: AsyncSession, pauses: Sequence[Pause], probe_until: datetime | None, *, until: datetime
) -> datetime | None:
    """Move the pause of a probe to *until*: it is still at work, or was not sent. None: it is not the probe."""
    return await probe(session, [one for one in pauses if is_probe(one, probe_until)], until=until)


async def move(session: AsyncSession, one: Pause, until: datetime) -> None:
    """Set the end of a pause."""
    await session.exec(update(type(one)).where(is_row_of(one)).values(paused_until=until))


def is_row_of(one: Pause) -> ColumnElement[bool]:
    """Condition: the row of *one* in its table."""
    if isinstance(one, Credential):
        return col(Credential.name) == one.name
    return and_(col(RefusedSecret.credential) == one.credential, col(RefusedSecret.fingerprint) == one.fingerprint)


async def refuse(
    session: AsyncSession, credential: Credential, secret: str, *, before: RefusedSecret | None, now: datetime
) -> datetime:
    """Pause senders with *secret* for a minute, or twice as long as *before*; returns the end of the pause."""
    wait = pause(None, timedelta(seconds=before.pause_seconds) if before else None, now=now)
    until = now + wait
    row = {
        "credential": credential.name, "fingerprint": await fingerprint(session, secret),
        "paused_until": until, "pause_seconds": round(wait.total_seconds()),
    }  # fmt: skip
    forgotten = (
        col(RefusedSecret.credential) == credential.name,
        col(RefusedSecret.paused_until) <= now - LONGEST_PAUSE,
    )
    await session.exec(delete(RefusedSecret).where(*forgotten))
    insert = INSERT[session.get_bind().dialect.name](RefusedSecret).values(**row)
    key = ("credential", "fingerprint")
    await session.exec(insert.on_conflict_do_update(index_elements=key, set_=row))
    last = max(until, credential.refused_until or until)
    await session.exec(update(Credential).where(is_row_of(credential)).values(refused_until=last))
    return until


async def accept(session: AsyncSession, refused: RefusedSecret) -> None:
    """Delete a refusal: GitHub has accepted the secret."""
    await session.exec(delete(RefusedSecret).where(is_row_of(refused)))


async def resume(session: AsyncSession, credential: Credential, *, actor: str) -> None:
    """End every pause of the credential, for a limit or a refused secret, by order of *actor*. Its row is locked."""
    await session.exec(delete(RefusedSecret).where(col(RefusedSecret.credential) == credential.name))
    await session.exec(update(Credential).where(is_row_of(credential)).values(**CLEARED, refused_until=None))
    after_commit.add(session, Resumed(credential.name, actor))


async def refusing(session: AsyncSession, *, now: datetime) -> list[str]:
    """Credentials with due reports and a refused secret whose pause has not ended."""
    is_due = exists().where(col(StatusTarget.credential) == col(Credential.name), col(StatusTarget.due_at).is_not(None))
    return list(await session.exec(select(Credential.name).where(col(Credential.refused_until) > now, is_due)))


async def waiting(session: AsyncSession, secrets: Mapping[str, str], *, now: datetime) -> dict[str, datetime]:
    """The credentials in *secrets* (name to secret's hash) whose secret pauses after a refusal, and until when."""
    waits: dict[str, datetime] = {}
    for name, secret in secrets.items():
        refused = await refusal(session, await session.get_one(Credential, name), secret, now=now)
        if refused is not None and refused.paused_until > now:
            waits[name] = refused.paused_until
    return waits
