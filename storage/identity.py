"""Which ledger this is. Its id is made by the migrations once and never changed; a copy of a ledger has it, too."""

import hmac
from uuid import UUID

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import LedgerIdentity


class WrongLedger(RuntimeError):
    """Another ledger was opened than the deployment names: two ledgers for one commit would report twice."""

    def __init__(self, opened: UUID, named: UUID, place: str) -> None:
        super().__init__(
            f"REPORTBACK_DATABASE_URL names ledger {opened} ({place}), but this deployment is for ledger {named}: "
            "correct REPORTBACK_DATABASE_URL, or run `make deploy` again if the other ledger is meant"
        )


async def ledger_id(session: AsyncSession) -> UUID:
    """The id of the ledger that is open."""
    return (await session.exec(select(LedgerIdentity.id))).one()


async def fingerprint(session: AsyncSession, secret: str) -> str:
    """A hash of *secret* that is keyed with this ledger's id: what may be stored of it, and compared here only."""
    key = (await ledger_id(session)).bytes
    return hmac.digest(key, secret.encode(), "sha256").hex()[:32]
