"""Pauses of senders: of a credential, for a rate limit, and of a secret that GitHub refused (401).

A refused secret is stored by its fingerprint, independent of GitHub's answers to other secrets of the credential:
senders with another secret go on at once. All of it is guarded by the lock of the credential's row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy import ColumnElement
from sqlmodel import and_, col, delete, exists, select, update

from domain.delivery.notifications import Resumed
from domain.delivery.outcome import Reason
from domain.delivery.policy import LONGEST_PAUSE, pause
from storage import after_commit
from storage.dialect import insert
from storage.identity import fingerprint
from storage.models import Credential, RefusedSecret, StatusTarget
from storage.transaction import Transaction

Pause: TypeAlias = Credential | RefusedSecret
FOR_A_REFUSED_SECRET = col(Credential.pause_reason) == Reason.BAD_CREDENTIALS
"""Condition: the pause shown in the credential's row applies only to senders with the refused secret."""

AGAIN = """(credential, fingerprint) DO UPDATE SET
    paused_until = excluded.paused_until, pause_seconds = excluded.pause_seconds"""
REFUSE = insert(RefusedSecret, "credential", "fingerprint", "paused_until", "pause_seconds", on_conflict=AGAIN)

CLEARED = {"paused_until": None, "pause_seconds": None, "pause_reason": None}


def is_for_a_limit(credential: Credential) -> bool:
    """Whether the credential's row holds a pause for every sender. After a 401 it only informs operators."""
    return credential.paused_until is not None and credential.pause_reason != Reason.BAD_CREDENTIALS


def has_refused(credential: Credential, now: datetime) -> bool:
    """Whether a secret of the credential was refused recently, so that senders must give the hash of theirs."""
    return credential.refused_until is not None and credential.refused_until + LONGEST_PAUSE > now


def binding(tx: Transaction, credential: Credential, secret: str | None) -> list[Pause]:
    """The pauses that apply to a sender with *secret*, expired or not. *secret* None: it is not known."""
    limit: list[Pause] = [credential] if is_for_a_limit(credential) else []
    refused = refusal(tx, credential, secret) if secret is not None else None
    return [*limit, refused] if refused is not None else limit


def refusal(tx: Transaction, credential: Credential, secret: str) -> RefusedSecret | None:
    """The refusal of *secret*. None: there is none, or its pause ended more than an hour ago."""
    if not has_refused(credential, tx.now):
        return None
    key = (credential.name, fingerprint(tx, secret))
    found = tx.session.get(RefusedSecret, key, populate_existing=True)
    return found if found is not None and found.paused_until + LONGEST_PAUSE > tx.now else None


def is_paused(pauses: Sequence[Pause], now: datetime) -> bool:
    """Whether no request may be sent. After an expired pause only the half-open probe may: see `probe`."""
    return any(one.paused_until is not None and one.paused_until > now for one in pauses)


def probe(tx: Transaction, pauses: Sequence[Pause], *, until: datetime) -> datetime | None:
    """Let one claim through as the half-open probe: the pause moves to *until*; only this claim's answer ends it.

    None: there is no pause, and every sender may send.
    """
    for one in pauses:
        move(tx, one, until)
    return until if pauses else None


def is_probe(one: Pause, probe_until: datetime | None) -> bool:
    """Whether the claim let through until *probe_until* is still the probe: the pause was not moved since."""
    return probe_until is not None and one.paused_until == probe_until


def must_wait(pauses: Sequence[Pause], probe_until: datetime | None) -> bool:
    """Whether a claim, perhaps the probe until *probe_until*, may make no further request: a pause began since."""
    return not all(is_probe(one, probe_until) for one in pauses)


def move_probe(
    tx: Transaction, pauses: Sequence[Pause], probe_until: datetime | None, *, until: datetime
) -> datetime | None:
    """Move the pause of a probe to *until*: it is still at work, or was not sent. None: it is not the probe."""
    return probe(tx, [one for one in pauses if is_probe(one, probe_until)], until=until)


def move(tx: Transaction, one: Pause, until: datetime) -> None:
    """Set the end of a pause."""
    table = RefusedSecret if isinstance(one, RefusedSecret) else Credential
    tx.session.exec(update(table).where(is_row_of(one)).values(paused_until=until))


def is_row_of(one: Pause) -> ColumnElement[bool]:
    """Condition: the row of *one* in its table."""
    if isinstance(one, RefusedSecret):
        return and_(col(RefusedSecret.credential) == one.credential, col(RefusedSecret.fingerprint) == one.fingerprint)
    return col(Credential.name) == one.name


def refuse(tx: Transaction, credential: Credential, secret: str, *, before: RefusedSecret | None) -> datetime:
    """Pause senders with *secret* for a minute, or twice as long as *before*; returns the end of the pause."""
    wait = pause(None, timedelta(seconds=before.pause_seconds) if before else None, now=tx.now)
    until = tx.now + wait
    row = {
        "credential": credential.name, "fingerprint": fingerprint(tx, secret),
        "paused_until": until, "pause_seconds": round(wait.total_seconds()),
    }  # fmt: skip
    forgotten = (
        col(RefusedSecret.credential) == credential.name,
        col(RefusedSecret.paused_until) <= tx.now - LONGEST_PAUSE,
    )
    tx.session.exec(delete(RefusedSecret).where(*forgotten))
    tx.execute(REFUSE, **row)
    last = max(until, credential.refused_until or until)
    tx.session.exec(update(Credential).where(is_row_of(credential)).values(refused_until=last))
    return until


def accept(tx: Transaction, refused: RefusedSecret) -> None:
    """Delete a refusal: GitHub has accepted the secret."""
    tx.session.exec(delete(RefusedSecret).where(is_row_of(refused)))


def resume(tx: Transaction, credential: Credential) -> None:
    """End every pause of the credential, for a limit or a refused secret, by order of *actor*. Its row is locked."""
    tx.session.exec(delete(RefusedSecret).where(col(RefusedSecret.credential) == credential.name))
    tx.session.exec(update(Credential).where(is_row_of(credential)).values(**CLEARED, refused_until=None))
    after_commit.add(tx, Resumed(credential.name, tx.actor))


def refusing(tx: Transaction) -> list[str]:
    """Credentials with due reports and a refused secret whose pause has not ended."""
    is_due = exists().where(col(StatusTarget.credential) == col(Credential.name), col(StatusTarget.due_at).is_not(None))
    return list(tx.session.exec(select(Credential.name).where(col(Credential.refused_until) > tx.now, is_due)))


def waiting(tx: Transaction, secrets: Mapping[str, str]) -> dict[str, datetime]:
    """The credentials in *secrets* (name to secret's hash) whose secret pauses after a refusal, and until when."""
    waits: dict[str, datetime] = {}
    for name, secret in secrets.items():
        refused = refusal(tx, tx.session.get_one(Credential, name), secret)
        if refused is not None and refused.paused_until > tx.now:
            waits[name] = refused.paused_until
    return waits
