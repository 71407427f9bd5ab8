"""What stands: of a report, what it is now; of a target, why nothing can be sent for it now."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.budget import Urgency
from domain.outcome import Outcome
from domain.policy import Policy
from domain.report import Phase
from storage import budget, credentials
from storage.models import Credential, StatusReport, StatusTarget
from storage.reports import phase


@dataclass(frozen=True, slots=True)
class Settled:
    """A try came to its end, with `outcome`; or nothing is due. `phase` is what the report it was about is now."""

    phase: Phase
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Busy:
    """Not now: another sender holds the lease, a doubt has to end, a credential pauses, or it is not due yet.

    `moment`: nothing stands in the way but a short wait for the write budget, which lets this sender go on then.
    """

    until: datetime
    why: str
    moment: datetime | None = None


async def must_wait_for_budget(
    session: AsyncSession, credential: str, urgency: Urgency, until: datetime, *, now: datetime
) -> Busy:
    """Nothing stands in the way but the write budget; a short wait for it is reserved. The credential is locked."""
    is_short = await budget.reserve(session, credential, urgency, until, now=now)
    return Busy(until, "the write budget of its credential is spent", moment=until if is_short else None)


def pausing(credential: Credential, now: datetime) -> Busy:
    """The credential pauses, or waits for the answer of its probe."""
    until = max(credential.paused_until or now, now)
    return Busy(until, f"credential {credential.name} pauses: {credential.pause_reason}")


async def phase_of(session: AsyncSession, report_id: int) -> Phase:
    """What the report is now."""
    found = select(StatusReport, StatusTarget).where(
        StatusReport.id == report_id, StatusTarget.id == StatusReport.target_id
    )
    report, target = (await session.exec(found, execution_options={"populate_existing": True})).one()
    return phase(report, target)


async def of_target(
    session: AsyncSession, target_id: int, *,
    only_if_due: bool, job_ends_now: bool = False, moment: datetime | None = None, policy: Policy, now: datetime,
) -> Settled | Busy:  # fmt: skip
    """Why a claim, in the same transaction, took nothing."""
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
        return pausing(credential, now)
    if target.doubt_until is not None and target.doubt_until > now and not report.read_back:
        return Busy(target.doubt_until, "an earlier request may still turn up")
    if only_if_due and target.due_at > now:
        return Busy(target.due_at, "not due yet")
    urgency = await budget.urgency(session, target_id, job_ends_now=job_ends_now)
    wait = await budget.wait_until(session, credential.name, policy.budget, urgency, moment=moment, now=now)
    if wait is None:
        return Busy(now, "it came free just now")
    return await must_wait_for_budget(session, credential.name, urgency, wait, now=now)
