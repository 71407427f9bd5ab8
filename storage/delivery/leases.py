"""Leases: claim, renew and recover the exclusive right to send for a target. One transaction on its row each.

Rows are locked in one order: credential, target, report. `storage.delivery.settling` ends a lease that is still ours.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Boolean, bindparam, select
from sqlmodel import and_, col, or_, update

from domain.delivery.budget import Urgency
from domain.delivery.check_output import CheckRequest
from domain.delivery.policy import Policy
from domain.delivery.report import EventKind, Report
from domain.delivery.target import Target
from storage.delivery import availability, budget, credentials, events, future_times, pauses, verification
from storage.delivery.availability import Busy, Settled, busy_for_budget, busy_for_pause
from storage.delivery.check_runs import rows
from storage.delivery.reports import READS_BACK, is_claimable, locked_target, row_of
from storage.models import Credential, StatusReport, StatusTarget
from storage.transaction import Transaction, table_of

LONGEST_UNNOTICED = timedelta(minutes=2)
"""An expired lease is found by the next reconciliation run, within a minute; a longer delay means a clock jump."""

RELEASED = {"lease": None, "sending_id": None, "lease_expires_at": None}


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right to send for one target, and the report to send."""

    token: UUID
    target_id: int
    report_id: int
    report: Report
    created_at: datetime  # when the report was recorded
    not_before: datetime | None  # no status of the report is older, by GitHub's own time; None: unknown
    read_back: bool  # read GitHub's list for the report before sending it
    doubt_until: datetime | None  # set where a request may still turn up: nothing may be sent
    expires_at: datetime
    credential: str
    probe_until: datetime | None  # until when it is the half-open probe after a pause
    attempt: int
    secret: str | None  # hash of the sender's secret; None: not read yet
    urgency: Urgency  # which limits of the write budget apply
    check: CheckRequest | None = None  # the request about a check run that is next; None: a commit status


def claim(
    tx: Transaction, target_id: int, *,
    only_if_due: bool, job_ends_now: bool = False, moment: datetime | None = None, secret: str | None = None,
    policy: Policy,
) -> Lease | Settled | Busy:  # fmt: skip
    """Take the target's lease for its current report; without one, the answer says why.

    An expired lease is ended first. *only_if_due*: skip a target due later, as the reconciliation does.
    *job_ends_now*: the report's own job is the sender, see `domain.delivery.budget.Urgency`. *moment*: the time that
    the write budget reserved for this sender. A report that is read back first spends no budget yet: `renew_to_post`.
    *secret*: hash of the sender's secret, required only if one was refused recently.
    """
    credential = credentials.locked_of(tx, target_id)
    name = credential.name
    target = recover(tx, target_id, policy=policy)
    newest = row_of(tx, target.newest_id)
    check = rows.planned(tx, target, newest) if target.has_check_runs and target.due_at is not None else None
    held_by = pauses.binding(tx, credential, secret)
    urgency = budget.urgency(target, newest, job_ends_now=job_ends_now)
    asks_secret = secret is None and pauses.has_refused(credential, tx.now)
    wait = None
    if not (pauses.is_paused(held_by, tx.now) or asks_secret):
        expires_at = tx.now + policy.lease
        wait = budget.wait_until(tx, name, policy.budget, urgency, moment=moment)
        taken = _take_lease(tx, target_id, name, only_if_due=only_if_due, is_within=wait is None, expires_at=expires_at)
        if taken is not None:
            probe_until = pauses.probe(tx, held_by, until=expires_at)
            lease = _lease_of(taken, newest, name, probe_until=probe_until, secret=secret, urgency=urgency, check=check)
            kinds = [EventKind.CLAIMED] if lease.read_back else [EventKind.CLAIMED, EventKind.POSTED]
            events.append(tx, lease.report_id, *kinds, credential=name, attempt=lease.attempt)
            return lease
    return availability.why_not(
        tx, target, newest, credential, held_by,
        only_if_due=only_if_due, asks_secret=asks_secret, urgency=urgency, wait=wait,
    )  # fmt: skip


TARGETS = table_of(StatusTarget)
TAKE = (
    update(TARGETS)
    .where(
        TARGETS.c.id == bindparam("target_id"), TARGETS.c.credential == bindparam("its_credential"),
        is_claimable(bindparam("now"), due_by=bindparam("due_by")),
        or_(READS_BACK, bindparam("is_within", type_=Boolean)),
    )
    .values(sending_id=TARGETS.c.newest_id, attempts=TARGETS.c.attempts + 1)
    .returning(TARGETS)
)  # fmt: skip


def _take_lease(
    tx: Transaction, target_id: int, credential: str, *, only_if_due: bool, is_within: bool, expires_at: datetime
) -> StatusTarget | None:
    due_by = tx.now if only_if_due else datetime.max.replace(tzinfo=UTC)
    return tx.one_or_none(
        StatusTarget, TAKE, target_id=target_id, its_credential=credential, due_by=due_by, now=tx.now,
        is_within=is_within, lease=uuid4(), lease_expires_at=expires_at, due_at=tx.now,
    )  # fmt: skip


MINE = and_(TARGETS.c.id == bindparam("target_id"), TARGETS.c.lease == bindparam("token"))
RENEW = update(TARGETS).where(MINE, TARGETS.c.newest_id == TARGETS.c.sending_id)


def _lease_of(
    target: StatusTarget, row: StatusReport, credential: str, *,
    probe_until: datetime | None, secret: str | None, urgency: Urgency, check: CheckRequest | None,
) -> Lease:  # fmt: skip
    assert target.lease and target.lease_expires_at and target.id and row.id  # just taken
    to = Target(target.repository, target.sha, target.context)
    return Lease(
        token=target.lease, target_id=target.id, report_id=row.id,
        report=Report(to, row.state, row.description, row.target_url, row.marker), created_at=row.created_at,
        not_before=row.not_before, read_back=check.step.run.read_back if check else row.read_back,
        doubt_until=target.doubt_until,
        expires_at=target.lease_expires_at, credential=credential, probe_until=probe_until, attempt=target.attempts,
        secret=secret, urgency=urgency, check=check,
    )  # fmt: skip


def renew(tx: Transaction, lease: Lease, *, policy: Policy) -> Lease | Busy | None:
    """Extend the lease for another request if it is still ours and its report is still current.

    `Busy`: the credential has to wait; the lease is unchanged. None: the lease is lost.
    """
    credential = credentials.locked(tx, lease.credential)
    return _renew(tx, lease, credential, policy)


def renew_to_post(
    tx: Transaction, lease: Lease, *, moment: datetime | None = None, policy: Policy
) -> Lease | Busy | None:
    """Renew the lease of a report that reading back did not find, right before its request is sent.

    `Busy`: the credential or the write budget does not allow a request now. None: the lease is lost.
    """
    credential = credentials.locked(tx, lease.credential)
    wait = budget.wait_until(tx, lease.credential, policy.budget, lease.urgency, moment=moment)
    if wait is not None:
        return busy_for_budget(tx, lease.credential, lease.urgency, wait)
    renewed = _renew(tx, lease, credential, policy)
    if isinstance(renewed, Lease):
        events.append(
            tx, lease.report_id, EventKind.ABSENT, EventKind.POSTED, credential=lease.credential, attempt=lease.attempt
        )
    return renewed


def _renew(tx: Transaction, lease: Lease, credential: Credential, policy: Policy) -> Lease | Busy | None:
    held_by = pauses.binding(tx, credential, lease.secret)
    if pauses.must_wait(held_by, lease.probe_until):
        return busy_for_pause(credential, held_by, tx.now)
    expires_at = tx.now + policy.lease
    mine = {"target_id": lease.target_id, "token": lease.token}
    if not tx.execute(RENEW, **mine, lease_expires_at=expires_at).rowcount:
        return None
    probe_until = pauses.move_probe(tx, held_by, lease.probe_until, until=expires_at)
    return replace(lease, expires_at=expires_at, probe_until=probe_until)


CHECK = (
    select(table_of(Credential), TARGETS.c.lease_expires_at)
    .outerjoin(TARGETS, MINE)
    .where(col(Credential.name) == bindparam("credential"))
)


def check(tx: Transaction, lease: Lease) -> tuple[Busy | None, timedelta]:
    """The pause that began since the lease was taken or renewed, if any, and the time left of the lease.

    That is as the ledger has it, whatever the lease's holder remembers; zero if the lease was ended.
    """
    mine = {"target_id": lease.target_id, "token": lease.token, "credential": lease.credential}
    credential: Any = tx.execute(CHECK, **mine).one()
    held_by = pauses.binding(tx, credential, lease.secret)
    pause = busy_for_pause(credential, held_by, tx.now) if pauses.must_wait(held_by, lease.probe_until) else None
    expires_at: datetime | None = credential.lease_expires_at
    return pause, expires_at - tx.now if expires_at is not None else timedelta(0)


def recover(tx: Transaction, target_id: int, *, policy: Policy) -> StatusTarget:
    """Lock the target, and end its lease if that has expired; returns its row.

    The request of the lease's sender may still turn up: the target is in doubt. A lease or a doubt written by a clock
    too far ahead is corrected first.
    """
    target = future_times.cut_target(tx, locked_target(tx, target_id), policy=policy)
    if target.lease_expires_at is None or target.lease_expires_at > tx.now:
        return target
    sent_by = _sent_by(target.lease_expires_at, policy, tx.now)
    doubt = max(sent_by + policy.settle_after, target.doubt_until or sent_by)
    report_id = target.sending_id
    assert report_id is not None  # named by the lease
    mine = and_(col(StatusTarget.id) == target_id, col(StatusTarget.lease) == target.lease)
    tx.session.exec(update(StatusTarget).where(mine).values(**RELEASED, doubt_until=doubt))
    verification.schedule(tx, target_id)
    tx.session.exec(update(StatusReport).where(col(StatusReport.id) == report_id).values(read_back=True))
    if target.has_check_runs:
        rows.doubt(tx, col(StatusTarget.id) == target_id)
    note = "its sender's lease expired: it may have been sent"
    events.append(tx, report_id, EventKind.RECOVERED, credential=target.credential, attempt=target.attempts, note=note)
    return locked_target(tx, target_id)


def _sent_by(expired_at: datetime, policy: Policy, now: datetime) -> datetime:
    """By when the holder of an expired lease has sent its request, if at all.

    If the lease expired long ago, the clock may have jumped ahead with that request in flight.
    """
    return expired_at if now - expired_at < LONGEST_UNNOTICED else now + policy.timeout
