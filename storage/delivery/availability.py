"""A report's phase, and why a target cannot be claimed now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import select

from domain.delivery.budget import Urgency
from domain.delivery.outcome import Outcome, Reason
from domain.delivery.report import Phase
from storage.delivery import budget, pauses
from storage.delivery.pauses import Pause
from storage.delivery.reports import phase
from storage.models import Credential, StatusReport, StatusTarget
from storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Settled:
    """A try ended with `outcome`, or nothing was due. `phase` is that of the current report, `report_id`, now."""

    phase: Phase
    report_id: int
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Cannot be sent now: another sender holds the lease, a doubt or a pause has to end, or it is not due yet.

    `moment`: only a short wait for the write budget is left; this time is reserved for the caller.
    `goes_on`: one of several requests is done, and the next may be sent at once.
    `asks_secret_of`: a secret of this credential was refused; the caller must claim again and give its own.
    """

    until: datetime
    why: str
    moment: datetime | None = None
    asks_secret_of: str | None = None
    goes_on: bool = False


def busy_for_budget(tx: Transaction, credential: str, urgency: Urgency, until: datetime) -> Busy:
    """Busy for the write budget alone; reserves the time if the wait is short. The credential is locked."""
    is_short = budget.reserve(tx, credential, urgency, until)
    return Busy(until, "the write budget of its credential is spent", moment=until if is_short else None)


def busy_for_pause(credential: Credential, held_by: Sequence[Pause], now: datetime) -> Busy:
    """Busy because the credential, or the sender's secret, pauses or waits for the answer of its half-open probe."""
    last = max(held_by, key=lambda one: one.paused_until or now)
    reason = credential.pause_reason if last is credential else Reason.BAD_CREDENTIALS
    return Busy(max(last.paused_until or now, now), f"credential {credential.name} pauses: {reason}")


def phase_of(tx: Transaction, report_id: int) -> Phase:
    """The report's phase now."""
    found = select(StatusReport, StatusTarget).where(
        StatusReport.id == report_id, StatusTarget.id == StatusReport.target_id
    )
    report, target = tx.session.exec(found, execution_options={"populate_existing": True}).one()
    return phase(report, target)


def why_not(
    tx: Transaction, target: StatusTarget, newest: StatusReport, credential: Credential,
    held_by: Sequence[Pause], *, only_if_due: bool, asks_secret: bool, urgency: Urgency, wait: datetime | None,
) -> Settled | Busy:  # fmt: skip
    """Why a claim took no lease. Target and credential are locked; *wait* is when the write budget allows a request."""
    if target.due_at is None:
        return Settled(phase(newest, target), newest.id or 0)
    if target.lease_expires_at is not None:
        return Busy(target.lease_expires_at, "another sender holds the lease")
    if pauses.is_paused(held_by, tx.now):
        return busy_for_pause(credential, held_by, tx.now)
    if target.doubt_until is not None and target.doubt_until > tx.now and not newest.read_back:
        return Busy(target.doubt_until, "an earlier request may still turn up")
    if only_if_due and target.due_at > tx.now:
        return Busy(target.due_at, "not due yet")
    if asks_secret:
        return Busy(tx.now, "a secret of its credential was refused", asks_secret_of=credential.name)
    if wait is None:
        return Busy(tx.now, "it has just become available")
    return busy_for_budget(tx, credential.name, urgency, wait)
