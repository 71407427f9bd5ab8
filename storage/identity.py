"""Identity of a ledger: an id that the migrations create once and that copies of the ledger share."""

import hmac
from uuid import UUID

from sqlmodel import select

from storage.models import LedgerIdentity
from storage.transaction import Transaction


class WrongLedger(RuntimeError):
    """The opened ledger is not the deployment's: two ledgers for one commit would report twice."""

    def __init__(self, opened: UUID, named: UUID, place: str) -> None:
        super().__init__(
            f"REPORTBACK_DATABASE_URL names ledger {opened} ({place}), but this deployment is for ledger {named}: "
            "correct REPORTBACK_DATABASE_URL, or run `make deploy` again if the other ledger is meant"
        )


def ledger_id(tx: Transaction) -> UUID:
    """The id of the open ledger."""
    return tx.session.exec(select(LedgerIdentity.id)).one()


def fingerprint(tx: Transaction, secret: str) -> str:
    """A hash of *secret* keyed with this ledger's id: safe to store, and comparable within this ledger only."""
    return fingerprint_in(ledger_id(tx), secret)


def fingerprint_in(ledger: UUID, secret: str) -> str:
    """`fingerprint`, in the ledger with that id."""
    return hmac.digest(ledger.bytes, secret.encode(), "sha256").hex()[:32]
