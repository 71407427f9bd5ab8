"""Which pauses hold a sender: that of its credential, for a limit, and that of its secret, which GitHub refused (401).

A refused secret is remembered by its fingerprint, beyond whatever other senders of the credential are answered: who has
another secret goes on at once, who has this one waits. All of it is guarded by the lock of the credential's row.
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
from storage import notifications
from storage.dialect import INSERT
from storage.identity import fingerprint
from storage.models import Credential, RefusedSecret, StatusTarget

Pause: TypeAlias = Credential | RefusedSecret
FOR_A_REFUSED_SECRET = col(Credential.pause_reason) == Reason.BAD_CREDENTIALS
"""The pause that the credential's row tells of holds who has that secret, and nobody else."""

CLEARED = {"paused_until": None, "pause_seconds": None, "pause_reason": None}


def is_for_a_limit(credential: Credential) -> bool:
    """Whether the credential's row tells of a pause that holds every sender. Of a 401 it only tells people."""
    return credential.paused_until is not None and credential.pause_reason != Reason.BAD_CREDENTIALS


def has_refused(credential: Credential, now: datetime) -> bool:
    """Whether a secret of the credential has been refused lately, so that a sender has to say which one it has."""
    return credential.refused_until is not None and credential.refused_until + LONGEST_PAUSE > now


async def binding(session: AsyncSession, credential: Credential, secret: str | None, *, now: datetime) -> list[Pause]:
    """The pauses that hold a sender with *secret*, over or not. None: which secret it has is not known."""
    limit: list[Pause] = [credential] if is_for_a_limit(credential) else []
    refused = await refusal(session, credential, secret, now=now) if secret is not None else None
    return [*limit, refused] if refused is not None else limit


async def refusal(session: AsyncSession, credential: Credential, secret: str, *, now: datetime) -> RefusedSecret | None:
    """The refusal of *secret*. None: there is none, or it is forgotten, an hour after its pause was over."""
    if not has_refused(credential, now):
        return None
    key = (credential.name, await fingerprint(session, secret))
    found = await session.get(RefusedSecret, key, populate_existing=True)
    return found if found is not None and found.paused_until + LONGEST_PAUSE > now else None


def is_paused(pauses: Sequence[Pause], now: datetime) -> bool:
    """Whether no request may leave. A pause that is over still lets only a probe through: see `probe`."""
    return any(one.paused_until is not None and one.paused_until > now for one in pauses)


async def probe(session: AsyncSession, pauses: Sequence[Pause], *, until: datetime) -> datetime | None:
    """Let one claim through after a pause: it moves to *until*, and only this claim's answer ends it or doubles it.

    None: there is no pause, and everybody may send.
    """
    for one in pauses:
        await move(session, one, until)
    return until if pauses else None


def is_probe(one: Pause, probe_until: datetime | None) -> bool:
    """Whether who was let through until *probe_until* still is the one probe: nobody has moved the pause since."""
    return probe_until is not None and one.paused_until == probe_until


def must_wait(pauses: Sequence[Pause], probe_until: datetime | None) -> bool:
    """Whether who was let through, perhaps until *probe_until*, may make no further request: a pause has come since."""
    return not all(is_probe(one, probe_until) for one in pauses)


async def move_probe(
    session: AsyncSession, pauses: Sequence[Pause], probe_until: datetime | None, *, until: datetime
) -> datetime | None:
    """Let the next probe through at *until*: this one is still at it, or was not made. None: it is not the probe."""
    return await probe(session, [one for one in pauses if is_probe(one, probe_until)], until=until)


async def move(session: AsyncSession, one: Pause, until: datetime) -> None:
    """Have a pause end at *until*."""
    await session.exec(update(type(one)).where(is_row_of(one)).values(paused_until=until))


def is_row_of(one: Pause) -> ColumnElement[bool]:
    """Of its table: the row of *one*."""
    if isinstance(one, Credential):
        return col(Credential.name) == one.name
    return and_(col(RefusedSecret.credential) == one.credential, col(RefusedSecret.fingerprint) == one.fingerprint)


async def refuse(
    session: AsyncSession, credential: Credential, secret: str, *, before: RefusedSecret | None, now: datetime
) -> datetime:
    """Have senders with *secret* pause: for a minute, or twice as long as *before*. Until when."""
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
    """Forget a refusal: GitHub has taken the secret."""
    await session.exec(delete(RefusedSecret).where(is_row_of(refused)))


async def resume(session: AsyncSession, credential: Credential, *, actor: str) -> None:
    """End every pause of the credential, for a limit or a refused secret. Its row is locked. *actor*: who wants it."""
    await session.exec(delete(RefusedSecret).where(col(RefusedSecret.credential) == credential.name))
    await session.exec(update(Credential).where(is_row_of(credential)).values(**CLEARED, refused_until=None))
    notifications.add(session, Resumed(credential.name, actor))


async def refusing(session: AsyncSession, *, now: datetime) -> list[str]:
    """Credentials with something due of which a refused secret waits now."""
    is_due = exists().where(col(StatusTarget.credential) == col(Credential.name), col(StatusTarget.due_at).is_not(None))
    return list(await session.exec(select(Credential.name).where(col(Credential.refused_until) > now, is_due)))


async def waiting(session: AsyncSession, secrets: Mapping[str, str], *, now: datetime) -> dict[str, datetime]:
    """Of credentials, by name, with the *secrets* that they have here: which have to wait for a refusal, until when."""
    waits: dict[str, datetime] = {}
    for name, secret in secrets.items():
        refused = await refusal(session, await session.get_one(Credential, name), secret, now=now)
        if refused is not None and refused.paused_until > now:
            waits[name] = refused.paused_until
    return waits
