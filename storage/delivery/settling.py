"""How an attempt ends whose lease is still ours: with an outcome, or given back. Losing a lease is normal.

One transaction each; rows are locked in one order: credential, target, report.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, literal
from sqlmodel import SQLModel, and_, case, col, update
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.outcome import Rejected, Sent, Throttled
from domain.delivery.report import EventKind, Phase
from domain.delivery.settlement import Settlement
from storage.delivery import availability, credentials, events, pauses, verification
from storage.delivery.leases import RELEASED, Lease, append
from storage.models import StatusReport, StatusTarget

COLUMNS = SQLModel.metadata.tables["status_target"].c
UTC = COLUMNS.verify_at.type


async def settle(
    session: AsyncSession, lease: Lease, settlement: Settlement, sent: Sent,
    *, seconds: float | None = None, actor: str, now: datetime,
) -> Phase | None:  # fmt: skip
    """End the attempt we still hold: its report's phase now. None: the lease was no longer ours.

    Then only the event `late` and `verify_at` are written, and what the answer says about the credential.
    """
    is_refused = isinstance(sent.outcome, Rejected | Throttled)
    credential = await credentials.locked(session, lease.credential)
    is_ours = await _release(session, lease, settlement, is_refused=is_refused, now=now)
    probe_until = lease.probe_until if is_ours else None
    await credentials.learn(session, credential, sent, secret=lease.secret, probe_until=probe_until, now=now)
    if is_ours:
        kind, note = settlement.kind, settlement.note
        await _write(session, lease.report_id, settlement, now)
    else:
        kind, note = EventKind.LATE, f"came after its lease had ended: {settlement.kind} {settlement.note}".strip()
        await verification.ask(session, lease.target_id, now=now)
    await append(session, lease, kind, actor=actor, at=now, exchange=sent.exchange, seconds=seconds, note=note)
    return await availability.phase_of(session, lease.report_id) if is_ours else None


async def _release(
    session: AsyncSession, lease: Lease, settlement: Settlement, *, is_refused: bool, now: datetime
) -> bool:
    """End our lease. A newer report that came meanwhile is due now: the older one's backoff does not move it.

    *is_refused*: GitHub refused it or named a limit. It is taken not to have stored it, so it is sent again without
    reading back; a look after the delivery notices where that was wrong.
    """
    values: dict[str, object] = RELEASED | {
        "due_at": _unless_newer(lease, "due_at", settlement.due_at, now),
        "refused_since": _unless_newer(lease, "refused_since", settlement.refused_since, None),
        "last_error": _unless_newer(lease, "last_error", settlement.note[: events.NOTE] or None, None),
    }
    if is_refused:
        values["verify_at"] = now + verification.FIRST_LOOK
    if settlement.doubt_until is not None:  # it may turn up even later than that, or a namesake of it be found
        values |= {"doubt_until": settlement.doubt_until, "verify_at": now + verification.FIRST_LOOK}
    if settlement.status_id is not None:  # a look that was asked for is due a minute from now
        asked, look_at = col(StatusTarget.verify_at).is_not(None), literal(now + verification.FIRST_LOOK, UTC)
        is_found = settlement.kind is EventKind.FOUND
        values["verify_at"] = look_at if is_found else case((asked, look_at), else_=literal(None, UTC))
    return await _let_go(session, lease, values)


def _unless_newer(lease: Lease, column: str, value: object, newer: object) -> ColumnElement[Any]:
    """*value* for *column* while the lease's report is its target's newest, else *newer*."""
    of = COLUMNS[column].type
    is_newest = col(StatusTarget.newest_id) == lease.report_id
    return case((is_newest, literal(value, of)), else_=literal(newer, of))


async def give_back(
    session: AsyncSession, lease: Lease, kind: EventKind, *, due_at: datetime, note: str, actor: str, now: datetime
) -> None:
    """End our lease without an outcome: the report is due at *due_at*. If it is no longer ours, nothing changes."""
    credential = await credentials.locked(session, lease.credential)
    held_by = await pauses.binding(session, credential, lease.secret, now=now)
    await pauses.move_probe(session, held_by, lease.probe_until, until=now)
    if await _let_go(session, lease, RELEASED | {"due_at": _unless_newer(lease, "due_at", due_at, now)}):
        await append(session, lease, kind, actor=actor, at=now, note=note)


async def _let_go(session: AsyncSession, lease: Lease, values: dict[str, object]) -> bool:
    mine = and_(col(StatusTarget.id) == lease.target_id, col(StatusTarget.lease) == lease.token)
    return (await session.exec(update(StatusTarget).where(mine).values(**values))).rowcount == 1


async def _write(session: AsyncSession, report_id: int, settlement: Settlement, now: datetime) -> None:
    facts: dict[str, object] = {}
    if settlement.read_back:
        facts |= {"read_back": True}
    if settlement.status_id is not None:
        facts |= {"delivered_at": now, "github_status_id": settlement.status_id}
    if settlement.rejection is not None:
        facts |= {"rejected_at": now, "rejection": settlement.rejection}
    if facts:
        await session.exec(update(StatusReport).where(col(StatusReport.id) == report_id).values(**facts))
