"""Leases: who may speak to GitHub about a target, and for how long. One transaction on the target's row each.

Rows are locked in one order: credential, target, report. Losing a lease is a False: losing is normal.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, literal
from sqlmodel import SQLModel, and_, case, col, not_, or_, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.job import Target
from domain.outcome import Exchange, Outcome, Sent
from domain.policy import Policy
from domain.report import EventKind, Phase, Report
from domain.settlement import Settlement
from storage import budget, credentials, events
from storage.models import Credential, StatusReport, StatusTarget
from storage.once import insert_once
from storage.reports import locked_target, phase

VERIFY_AFTER = timedelta(minutes=1)
"""When to look whether a request that was sent late left a second mark."""

COLUMNS = SQLModel.metadata.tables["status_target"].c
UTC = COLUMNS.verify_at.type
RELEASED = {"lease": None, "sending_id": None, "lease_expires_at": None}


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to speak to GitHub about one target, and what to say."""

    token: UUID
    target_id: int
    report_id: int
    report: Report
    recorded_at: datetime
    read_back: bool  # look for the report before sending it
    doubt_until: datetime | None  # set where a request may still turn up: nothing may be sent
    expires_at: datetime
    credential: str
    is_probe: bool  # the one claim let through after a pause
    attempt: int
    is_outcome_now: bool  # somebody waits for it: of the write budget, only the minute binds it


@dataclass(frozen=True, slots=True)
class Settled:
    """A try came to its end, with `outcome`; or nothing is due. `phase` is what the report it was about is now."""

    phase: Phase
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Not now: another sender holds the lease, a doubt has to end, a credential pauses, or it is not due yet.

    `over_budget`: nothing else stands in the way but the write budget.
    """

    until: datetime
    why: str
    over_budget: bool = False


async def ensure_target(session: AsyncSession, target: Target) -> int:
    """The id of the target's row, made if this is its first job."""
    row = {"key": target.key, "repository": target.repository, "sha": target.sha, "context": target.context}
    await insert_once(session, StatusTarget, ("key",), {**row, "turns": 0, "attempts": 0})
    return (await session.exec(select(StatusTarget.id).where(StatusTarget.key == target.key))).one() or 0


async def take_turn(session: AsyncSession, target_id: int) -> int:
    """The target's next turn, taken."""
    taken = update(StatusTarget).where(col(StatusTarget.id) == target_id).values(turns=StatusTarget.turns + 1)
    return int((await session.exec(taken.returning(col(StatusTarget.turns)))).scalar_one())


async def claim(
    session: AsyncSession, target_id: int, *,
    only_if_due: bool, job_ends_now: bool = False, policy: Policy, actor: str, now: datetime,
) -> Lease | None:  # fmt: skip
    """Take the target's lease for the report that speaks. None: see `standing` for why not.

    An expired lease is ended first. *only_if_due* is the reconciliation's way: what is due later is left alone.
    *job_ends_now*: somebody waits for the outcome, so only the minute of the write budget binds it. A report that is
    read back first spends nothing yet: see `renew_to_post`.
    """
    name = (await session.exec(select(StatusTarget.credential).where(StatusTarget.id == target_id))).one()
    assert name is not None  # written with the target's first report
    credential = await credentials.locked(session, name)
    await recover(session, target_id, policy=policy, actor=actor, now=now)
    if credentials.is_paused(credential, now):
        return None
    expires_at = now + policy.lease
    within = await _within_budget(session, name, policy, job_ends_now=job_ends_now, now=now)
    target = await _take_lease(
        session, target_id, name, only_if_due=only_if_due, within=within, expires_at=expires_at, now=now
    )
    if target is None:
        return None
    is_probe = await credentials.probe(session, credential, until=expires_at)
    lease = await _held(session, target, name, is_probe=is_probe, job_ends_now=job_ends_now)
    await _append(session, lease, EventKind.CLAIMED, actor=actor, at=now)
    if not lease.read_back:
        await _append(session, lease, EventKind.POSTED, actor=actor, at=now)
    return lease


@dataclass(frozen=True, slots=True)
class _Within:
    """Which requests the write budget allows now."""

    outcome: bool
    pending: bool


async def _within_budget(
    session: AsyncSession, credential: str, policy: Policy, *, job_ends_now: bool, now: datetime
) -> _Within:
    pending = await budget.wait_until(session, credential, policy.budget, is_outcome_now=False, now=now) is None
    if pending or not job_ends_now:
        return _Within(pending, pending)
    outcome = await budget.wait_until(session, credential, policy.budget, is_outcome_now=True, now=now) is None
    return _Within(outcome, pending)


async def _take_lease(
    session: AsyncSession, target_id: int, credential: str, *,
    only_if_due: bool, within: _Within, expires_at: datetime, now: datetime,
) -> StatusTarget | None:  # fmt: skip
    newest = StatusReport.id == StatusTarget.newest_id
    reads_back = select(StatusReport.read_back).where(newest).scalar_subquery()
    is_pending = select(col(StatusReport.rank) == 0).where(newest).scalar_subquery()
    affordable = or_(reads_back, and_(is_pending, within.pending), and_(not_(is_pending), within.outcome))
    free = and_(col(StatusTarget.lease).is_(None), col(StatusTarget.due_at).is_not(None))
    no_doubt = or_(col(StatusTarget.doubt_until).is_(None), col(StatusTarget.doubt_until) <= now, reads_back)
    is_due = or_(col(StatusTarget.due_at) <= now, not only_if_due)
    taken = await session.exec(
        update(StatusTarget)
        .where(
            col(StatusTarget.id) == target_id, col(StatusTarget.credential) == credential,
            free, no_doubt, is_due, affordable,
        )
        .values(
            lease=uuid4(), lease_expires_at=expires_at, sending_id=StatusTarget.newest_id,
            attempts=StatusTarget.attempts + 1, due_at=now,
        )
        .returning(StatusTarget),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )  # fmt: skip
    return taken.scalar_one_or_none()


async def _held(
    session: AsyncSession, target: StatusTarget, credential: str, *, is_probe: bool, job_ends_now: bool
) -> Lease:
    found = await session.exec(
        select(StatusReport).where(StatusReport.id == target.sending_id), execution_options={"populate_existing": True}
    )
    row = found.one()
    assert target.lease and target.lease_expires_at and target.id and row.id  # just taken
    to = Target(target.repository, target.sha, target.context)
    return Lease(
        token=target.lease, target_id=target.id, report_id=row.id,
        report=Report(to, row.state, row.description, row.target_url, row.marker),
        recorded_at=row.created_at, read_back=row.read_back, doubt_until=target.doubt_until,
        expires_at=target.lease_expires_at, credential=credential, is_probe=is_probe, attempt=target.attempts,
        is_outcome_now=job_ends_now and row.rank > 0,
    )  # fmt: skip


async def renew(session: AsyncSession, lease: Lease, *, policy: Policy, now: datetime) -> datetime | None:
    """Hold on for another lease's length, while it is still ours and nothing newer speaks. None: let go."""
    expires_at = now + policy.lease
    still = and_(
        col(StatusTarget.id) == lease.target_id,
        col(StatusTarget.lease) == lease.token,
        col(StatusTarget.newest_id) == col(StatusTarget.sending_id),
    )
    renewed = await session.exec(update(StatusTarget).where(still).values(lease_expires_at=expires_at))
    return expires_at if renewed.rowcount else None


async def renew_to_post(
    session: AsyncSession, lease: Lease, *, policy: Policy, actor: str, now: datetime
) -> datetime | Busy | None:
    """Renew the lease of a report that reading back did not find, for a request that leaves next.

    `Busy`: the write budget does not allow one now; the lease is as it was. None: let go.
    """
    await credentials.locked(session, lease.credential)
    wait = await budget.wait_until(
        session, lease.credential, policy.budget, is_outcome_now=lease.is_outcome_now, now=now
    )
    if wait is not None:
        return _over_budget(wait)
    expires_at = await renew(session, lease, policy=policy, now=now)
    if expires_at is not None:
        await _append(session, lease, EventKind.ABSENT, actor=actor, at=now)
        await _append(session, lease, EventKind.POSTED, actor=actor, at=now)
    return expires_at


def _over_budget(until: datetime) -> Busy:
    return Busy(until, "the write budget of its credential is spent", over_budget=True)


async def settle(
    session: AsyncSession, lease: Lease, settlement: Settlement, sent: Sent,
    *, seconds: float | None = None, actor: str, now: datetime,
) -> Phase | None:  # fmt: skip
    """End the attempt we still hold: its report's phase now. None: the lease was no longer ours.

    Then only the event `late` and `verify_at` are written, and what the answer says about the credential.
    """
    credential = await credentials.locked(session, lease.credential)
    is_ours = await _release(session, lease, settlement, now=now)
    await credentials.learn(session, credential, sent, is_probe=lease.is_probe and is_ours, now=now)
    if is_ours:
        kind, note = settlement.kind, settlement.note
        await _write(session, lease.report_id, settlement, now)
    else:
        kind, note = EventKind.LATE, f"came after its lease had ended: {settlement.kind} {settlement.note}".strip()
        await _verify(session, lease.target_id, now)
    await _append(session, lease, kind, actor=actor, at=now, exchange=sent.exchange, seconds=seconds, note=note)
    return await phase_of(session, lease.report_id) if is_ours else None


async def _release(session: AsyncSession, lease: Lease, settlement: Settlement, *, now: datetime) -> bool:
    """End our lease. A newer report that came meanwhile is due now: the older one's backoff does not move it."""
    values: dict[str, object] = RELEASED | {
        "due_at": _unless_newer(lease, "due_at", settlement.due_at, now),
        "refused_since": _unless_newer(lease, "refused_since", settlement.refused_since, None),
        "last_error": _unless_newer(lease, "last_error", settlement.note[: events.NOTE] or None, None),
    }
    if settlement.doubt_until is not None:
        values["doubt_until"] = settlement.doubt_until
    if settlement.status_id is not None:  # whoever asked for a look gets it a minute from now
        asked = col(StatusTarget.verify_at).is_not(None)
        values["verify_at"] = case((asked, literal(now + VERIFY_AFTER, UTC)), else_=literal(None, UTC))
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
    if lease.is_probe and credential.paused_until == lease.expires_at:  # the probe was not made: another may be
        await session.exec(update(Credential).where(col(Credential.name) == lease.credential).values(paused_until=now))
    if await _let_go(session, lease, RELEASED | {"due_at": _unless_newer(lease, "due_at", due_at, now)}):
        await _append(session, lease, kind, actor=actor, at=now, note=note)


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


async def recover(session: AsyncSession, target_id: int, *, policy: Policy, actor: str, now: datetime) -> bool:
    """End the target's lease if it has expired. Its sender's request may still turn up: the target is in doubt."""
    target = await locked_target(session, target_id)
    if target.lease_expires_at is None or target.lease_expires_at > now:
        return False
    doubt = max(target.lease_expires_at + policy.settle_after, target.doubt_until or target.lease_expires_at)
    report_id = target.sending_id
    assert report_id is not None  # named by the lease
    mine = and_(col(StatusTarget.id) == target_id, col(StatusTarget.lease) == target.lease)
    await session.exec(update(StatusTarget).where(mine).values(**RELEASED, doubt_until=doubt))
    await _verify(session, target_id, now)
    await session.exec(update(StatusReport).where(col(StatusReport.id) == report_id).values(read_back=True))
    note = "its sender's lease ran out: it may have been sent"
    await events.append(
        session, report_id, EventKind.RECOVERED, actor=actor, at=now, credential=target.credential,
        attempt=target.attempts, note=note,
    )  # fmt: skip
    return True


async def _verify(session: AsyncSession, target_id: int, now: datetime) -> None:
    await session.exec(
        update(StatusTarget).where(col(StatusTarget.id) == target_id).values(verify_at=now + VERIFY_AFTER)
    )


async def _append(
    session: AsyncSession, lease: Lease, kind: EventKind, *, actor: str, at: datetime, exchange: Exchange | None = None,
    seconds: float | None = None, note: str | None = None,
) -> None:  # fmt: skip
    await events.append(
        session, lease.report_id, kind, actor=actor, at=at, credential=lease.credential, attempt=lease.attempt,
        exchange=exchange, seconds=seconds, note=note,
    )  # fmt: skip


async def target_of(session: AsyncSession, report_id: int) -> int:
    """The id of the report's target."""
    return (await session.exec(select(StatusReport.target_id).where(StatusReport.id == report_id))).one()


async def phase_of(session: AsyncSession, report_id: int) -> Phase:
    """What the report is now."""
    found = select(StatusReport, StatusTarget).where(
        StatusReport.id == report_id, StatusTarget.id == StatusReport.target_id
    )
    report, target = (await session.exec(found, execution_options={"populate_existing": True})).one()
    return phase(report, target)


async def standing(
    session: AsyncSession, target_id: int, *,
    only_if_due: bool, job_ends_now: bool = False, policy: Policy, now: datetime,
) -> Settled | Busy:  # fmt: skip
    """Why a claim took nothing."""
    found = (
        select(StatusTarget, StatusReport, Credential)
        .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
        .join(Credential, col(Credential.name) == col(StatusTarget.credential))
        .where(StatusTarget.id == target_id)
    )
    target, report, credential = (await session.exec(found, execution_options={"populate_existing": True})).one()
    if target.due_at is None:
        return Settled(phase(report, target))
    if target.lease_expires_at is not None:
        return Busy(target.lease_expires_at, "another sender holds the lease")
    if credentials.is_paused(credential, now):
        return Busy(credential.paused_until or now, f"credential {credential.name} pauses: {credential.pause_reason}")
    if target.doubt_until is not None and target.doubt_until > now and not report.read_back:
        return Busy(target.doubt_until, "an earlier request may still turn up")
    if only_if_due and target.due_at > now:
        return Busy(target.due_at, "not due yet")
    is_outcome_now = job_ends_now and report.rank > 0
    wait = await budget.wait_until(session, credential.name, policy.budget, is_outcome_now=is_outcome_now, now=now)
    return _over_budget(wait) if wait is not None else Busy(now, "it came free just now")
