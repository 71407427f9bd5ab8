"""Ends an attempt under a lease we still hold: stores its outcome or releases the lease. Losing a lease is normal.

One transaction each; rows are locked in one order: credential, target, report.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, null
from sqlmodel import case, col, update

from domain.delivery.check_run import Run
from domain.delivery.outcome import Rejected, Sent, StaleToken, Throttled
from domain.delivery.report import EventKind, Phase
from domain.delivery.settlement import Settlement
from storage.delivery import availability, credentials, events, pauses, verification
from storage.delivery.check_runs import rows
from storage.delivery.leases import MINE, RELEASED, Lease
from storage.models import StatusReport, StatusTarget
from storage.transaction import Transaction, table_of

TARGETS = table_of(StatusTarget)
IS_NEWEST = TARGETS.c.newest_id == bindparam("report_id")


def _own(column: str, *, if_newer: ColumnElement[Any]) -> ColumnElement[Any]:
    """What a lease's own report says for a *column* while it is its target's newest."""
    return case((IS_NEWEST, bindparam(f"own_{column}", type_=TARGETS.c[column].type)), else_=if_newer)


RELEASE = (
    update(TARGETS)
    .where(MINE)
    .values(**RELEASED, due_at=_own("due_at", if_newer=bindparam("due_if_newer", type_=TARGETS.c.due_at.type)))
)
END = RELEASE.values(
    refused_since=_own("refused_since", if_newer=null()), last_error=_own("last_error", if_newer=null())
)
VERIFY_NEXT = bindparam("verify_next", type_=TARGETS.c.verify_at.type)
END_DELIVERED = END.values(verify_at=case((TARGETS.c.verify_at.is_not(None), VERIFY_NEXT)))
"""A verification that was scheduled is due a minute from now."""

WRITE = update(table_of(StatusReport)).where(col(StatusReport.id) == bindparam("report_id"))


def settle(
    tx: Transaction, lease: Lease, settlement: Settlement, sent: Sent, *, run: Run | None = None,
    seconds: float | None = None,
) -> Phase | None:  # fmt: skip
    """End the attempt; returns its report's phase. None: the lease was no longer ours.

    *run*: the facts of the check run that it was about.

    In that case only the event `late`, `verify_at` and what the answer says about the credential are stored.
    """
    is_refused = isinstance(sent.outcome, Rejected | StaleToken | Throttled)
    credential = credentials.locked(tx, lease.credential)
    is_ours = _end_lease(tx, lease, settlement, is_refused=is_refused)
    probe_until = lease.probe_until if is_ours else None
    credentials.apply_answer(tx, credential, sent, secret=lease.secret, probe_until=probe_until)
    if is_ours:
        kind, note = settlement.kind, settlement.note
        _write(tx, lease.report_id, settlement)
        if run is not None:
            rows.change(tx, run)
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
    statement, values = END, _mine(lease) | {
        "own_due_at": settlement.due_at, "due_if_newer": tx.now, "own_refused_since": settlement.refused_since,
        "own_last_error": settlement.note[: events.NOTE] or None,
    }  # fmt: skip
    first = tx.now + verification.FIRST_VERIFICATION
    if is_refused or settlement.kind is EventKind.FOUND:
        values["verify_at"] = first
    elif settlement.status_id is not None:
        statement, values["verify_next"] = END_DELIVERED, first
    if settlement.doubt_until is not None:  # it may turn up even later, or a status of the same marker be found
        values |= {"doubt_until": settlement.doubt_until, "verify_at": first}
    return tx.execute(statement, **values).rowcount == 1


def _mine(lease: Lease) -> dict[str, object]:
    return {"target_id": lease.target_id, "token": lease.token, "report_id": lease.report_id}


def release(tx: Transaction, lease: Lease, kind: EventKind, *, due_at: datetime | None, note: str) -> datetime:
    """Release our lease without an outcome, unless it is no longer ours. Returns when the report is due.

    *due_at* None: now.
    """
    until = due_at or tx.now
    credential = credentials.locked(tx, lease.credential)
    held_by = pauses.binding(tx, credential, lease.secret)
    pauses.move_probe(tx, held_by, lease.probe_until, until=tx.now)
    if tx.execute(RELEASE, **_mine(lease), own_due_at=until, due_if_newer=tx.now).rowcount:
        events.append(tx, lease.report_id, kind, credential=lease.credential, attempt=lease.attempt, note=note)
    return until


def _write(tx: Transaction, report_id: int, settlement: Settlement) -> None:
    facts: dict[str, object] = {}
    if settlement.read_back:
        facts |= {"read_back": True}
    if settlement.status_id is not None:
        facts |= {"delivered_at": tx.now, "github_status_id": settlement.status_id}
    if settlement.rejection is not None:
        facts |= {"rejected_at": tx.now, "rejection": settlement.rejection}
    if facts:
        tx.execute(WRITE, report_id=report_id, **facts)
