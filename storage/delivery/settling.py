"""Ends an attempt under a lease we still hold: stores its outcome or releases the lease. Losing a lease is normal.

One transaction each; rows are locked in one order: credential, target, report.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, literal
from sqlmodel import SQLModel, and_, case, col, update

from domain.delivery.outcome import Rejected, Sent, Throttled
from domain.delivery.report import EventKind, Phase
from domain.delivery.settlement import Settlement
from storage.delivery import availability, credentials, events, pauses, verification
from storage.delivery.leases import RELEASED, Lease
from storage.models import StatusReport, StatusTarget
from storage.transaction import Transaction

COLUMNS = SQLModel.metadata.tables["status_target"].c
UTC = COLUMNS.verify_at.type


def settle(
    tx: Transaction, lease: Lease, settlement: Settlement, sent: Sent, *, seconds: float | None = None
) -> Phase | None:
    """End the attempt; returns its report's phase. None: the lease was no longer ours.

    In that case only the event `late`, `verify_at` and what the answer says about the credential are stored.
    """
    is_refused = isinstance(sent.outcome, Rejected | Throttled)
    credential = credentials.locked(tx, lease.credential)
    is_ours = _end_lease(tx, lease, settlement, is_refused=is_refused)
    probe_until = lease.probe_until if is_ours else None
    credentials.apply_answer(tx, credential, sent, secret=lease.secret, probe_until=probe_until)
    if is_ours:
        kind, note = settlement.kind, settlement.note
        _write(tx, lease.report_id, settlement)
    else:
        kind, note = EventKind.LATE, f"settled after its lease had ended: {settlement.kind} {settlement.note}".strip()
        verification.schedule(tx, lease.target_id)
    events.append(
        tx, lease.report_id, kind, credential=lease.credential, attempt=lease.attempt,
        exchange=sent.exchange, seconds=seconds, note=note,
    )  # fmt: skip
    if not is_ours:
        return None
    return Phase.DELIVERED if settlement.status_id is not None else availability.phase_of(tx, lease.report_id)


def _end_lease(tx: Transaction, lease: Lease, settlement: Settlement, *, is_refused: bool) -> bool:
    """End our lease. A newer report recorded meanwhile is due now, whatever the backoff of the older one.

    *is_refused*: GitHub refused the request or named a limit, so it is taken not to be stored and is sent again without
    reading back; verification after the delivery notices if that was wrong.
    """
    values: dict[str, object] = RELEASED | {
        "due_at": _unless_newer(lease, "due_at", settlement.due_at, tx.now),
        "refused_since": _unless_newer(lease, "refused_since", settlement.refused_since, None),
        "last_error": _unless_newer(lease, "last_error", settlement.note[: events.NOTE] or None, None),
    }
    first = tx.now + verification.FIRST_VERIFICATION
    if is_refused:
        values["verify_at"] = first
    if settlement.doubt_until is not None:  # it may turn up even later, or a status of the same marker be found
        values |= {"doubt_until": settlement.doubt_until, "verify_at": first}
    if settlement.status_id is not None:  # a verification that was scheduled is due a minute from now
        asked, verify_at = col(StatusTarget.verify_at).is_not(None), literal(first, UTC)
        is_found = settlement.kind is EventKind.FOUND
        values["verify_at"] = verify_at if is_found else case((asked, verify_at), else_=literal(None, UTC))
    return _update_lease(tx, lease, values)


def _unless_newer(lease: Lease, column: str, value: object, newer: object) -> ColumnElement[Any]:
    """*value* for *column* while the lease's report is its target's newest, else *newer*."""
    of = COLUMNS[column].type
    is_newest = col(StatusTarget.newest_id) == lease.report_id
    return case((is_newest, literal(value, of)), else_=literal(newer, of))


def release(tx: Transaction, lease: Lease, kind: EventKind, *, due_at: datetime | None, note: str) -> datetime:
    """Release our lease without an outcome, unless it is no longer ours. Returns when the report is due.

    *due_at* None: now.
    """
    until = due_at or tx.now
    credential = credentials.locked(tx, lease.credential)
    held_by = pauses.binding(tx, credential, lease.secret)
    pauses.move_probe(tx, held_by, lease.probe_until, until=tx.now)
    if _update_lease(tx, lease, RELEASED | {"due_at": _unless_newer(lease, "due_at", until, tx.now)}):
        events.append(tx, lease.report_id, kind, credential=lease.credential, attempt=lease.attempt, note=note)
    return until


def _update_lease(tx: Transaction, lease: Lease, values: dict[str, object]) -> bool:
    mine = and_(col(StatusTarget.id) == lease.target_id, col(StatusTarget.lease) == lease.token)
    return tx.session.exec(update(StatusTarget).where(mine).values(**values)).rowcount == 1


def _write(tx: Transaction, report_id: int, settlement: Settlement) -> None:
    facts: dict[str, object] = {}
    if settlement.read_back:
        facts |= {"read_back": True}
    if settlement.status_id is not None:
        facts |= {"delivered_at": tx.now, "github_status_id": settlement.status_id}
    if settlement.rejection is not None:
        facts |= {"rejected_at": tx.now, "rejection": settlement.rejection}
    if facts:
        tx.session.exec(update(StatusReport).where(col(StatusReport.id) == report_id).values(**facts))
