"""Notes which token each worker has, by the keyed hash of refused secrets, so that a person can compare them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import and_, col, delete, or_, select

from domain.delivery.policy import LONGEST_PAUSE
from storage.dialect import insert
from storage.identity import fingerprint
from storage.models import RefusedSecret, WorkerToken
from storage.transaction import Transaction

NOTED_EVERY = timedelta(minutes=10)
"""How old a note may be before a flow run of the worker renews it."""

KEPT_FOR = timedelta(days=1)
"""A worker that has run nothing for so long is forgotten: a restart usually gives it another name."""


CHANGED = ("fingerprint", "version", "noted_at")
ANEW = ", ".join(f"{column} = excluded.{column}" for column in CHANGED)
NOTE = insert(WorkerToken, "worker", "credential", *CHANGED, on_conflict=f"(worker, credential) DO UPDATE SET {ANEW}")


@dataclass(frozen=True, slots=True)
class Noted:
    """What a worker had for a credential. `refused_until`: GitHub refused that token, and senders with it pause."""

    worker: str
    credential: str
    fingerprint: str | None
    version: str
    noted_at: datetime
    refused_until: datetime | None = None


def is_current(tx: Transaction, worker: str, version: str, secrets: Mapping[str, str | None]) -> bool:
    """Whether the worker's notes are recent and say what *secrets* does: the hash of each credential's secret."""
    found = tx.session.exec(select(WorkerToken).where(WorkerToken.worker == worker)).all()
    known = {one.credential: one.fingerprint for one in found}
    is_recent = all(abs(tx.now - one.noted_at) <= NOTED_EVERY and one.version == version for one in found)
    return is_recent and known == fingerprints(tx, secrets)


def note(tx: Transaction, worker: str, version: str, secrets: Mapping[str, str | None]) -> None:
    """Replace the worker's notes, and forget workers that have run nothing for a day."""
    of_worker, credential = col(WorkerToken.worker) == worker, col(WorkerToken.credential)
    is_outdated = or_(and_(of_worker, credential.not_in(secrets)), col(WorkerToken.noted_at) < tx.now - KEPT_FOR)
    tx.session.exec(delete(WorkerToken).where(is_outdated))
    for name, found in fingerprints(tx, secrets).items():
        tx.execute(NOTE, worker=worker, credential=name, fingerprint=found, version=version, noted_at=tx.now)


def fingerprints(tx: Transaction, secrets: Mapping[str, str | None]) -> dict[str, str | None]:
    """The fingerprint of each credential's secret, as notes hold it; None where there is no secret."""
    return {name: None if secret is None else fingerprint(tx, secret) for name, secret in secrets.items()}


def noted(tx: Transaction) -> Sequence[Noted]:
    """All notes, by worker and credential, each with the pause of its token if GitHub refused that."""
    its = and_(
        col(RefusedSecret.credential) == col(WorkerToken.credential),
        col(RefusedSecret.fingerprint) == col(WorkerToken.fingerprint),
        col(RefusedSecret.paused_until) > tx.now - LONGEST_PAUSE,
    )
    found = (
        select(WorkerToken, RefusedSecret.paused_until)
        .outerjoin(RefusedSecret, its)
        .order_by(col(WorkerToken.worker), col(WorkerToken.credential))
    )
    return [
        Noted(one.worker, one.credential, one.fingerprint, one.version, one.noted_at, until)
        for one, until in tx.session.exec(found)
    ]
