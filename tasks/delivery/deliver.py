"""Delivers a target's current report: the only code that sends one.

Claim, read back if it was ever in doubt, renew the lease, POST once, settle: each is one transaction on the target's
row or one request, and no transaction is open during a request. docs/guarantee.md says what recovers from a crash
between them. A cancelled try settles nothing: its lease expires, and the next sender reads back.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from domain.delivery.budget import BUDGET_WAIT
from domain.delivery.check_output import CheckRequest
from domain.delivery.check_run import Run
from domain.delivery.outcome import Delivered, Exchange, NoToken, Reason, Rejected, Sent
from domain.delivery.report import EventKind, Phase
from domain.delivery.run_facts import Seen, after_reading, after_request, closes_nothing
from domain.delivery.settlement import Settlement, Tries, settle
from github_api.apps import CHECK_RUNS, STATUSES
from github_api.credentials import NoCredential, secret_behind
from storage.delivery import events, leases, settling
from storage.delivery.availability import Busy, Settled
from storage.delivery.check_runs import rows
from storage.delivery.leases import Lease
from storage.transaction import Transaction, timed
from tasks.delivery.app_tokens import AccessToken, NotMinted
from tasks.delivery.find_marker import Absent, Found, find_marker
from tasks.delivery.find_run import find_run
from tasks.delivery.reporter import Reporter

GROWS_FOR = timedelta(minutes=10)
"""How long after a doubt an absence from a list of several pages that grows meanwhile is not believed."""

MOST_REQUESTS = 10
"""Requests about check runs of one target in one try: close older ones, create the newest, conclude it."""

NOT_YET = "not on GitHub yet; an earlier request may still turn up"

T = TypeVar("T")


async def deliver(
    reporter: Reporter, target_id: int, *, only_if_due: bool = False, job_ends_now: bool = False
) -> Settled | Busy:
    """Try once to deliver the target's current report.

    *only_if_due* skips what is due later, as the reconciliation does. *job_ends_now*: the caller is the report's own
    job; of the write budget, only the minute applies to its outcome. `Settled` is the result for the report that was
    current; `Busy` says that nothing could be tried now, until when, and why. A check run takes several requests, each
    with a lease of its own.
    """
    for _ in range(MOST_REQUESTS):
        result = await _deliver_one(reporter, target_id, only_if_due=only_if_due, job_ends_now=job_ends_now)
        if not (isinstance(result, Busy) and result.goes_on):
            break
    return result


async def _deliver_one(reporter: Reporter, target_id: int, *, only_if_due: bool, job_ends_now: bool) -> Settled | Busy:
    """Try to make the target's next request."""
    claim = partial(leases.claim, target_id=target_id, only_if_due=only_if_due, job_ends_now=job_ends_now)
    lease, claimed_at = await _within_budget(reporter, claim)
    if isinstance(lease, Busy) and (name := lease.asks_secret_of) is not None:
        lease, claimed_at = await _within_budget(reporter, partial(claim, secret=await _secret(reporter, name)))
    if not isinstance(lease, Lease):
        return lease
    try:
        uses = STATUSES if lease.check is None else CHECK_RUNS
        token = await reporter.token_of(lease.credential, lease.report.target.repository, uses)
    except NotMinted as error:
        return await _settle(reporter, replace(lease, secret=error.secret), Sent(error.outcome, error.exchange))
    except NoCredential as error:
        return await _settle(reporter, lease, Sent(NoToken(str(error)), Exchange()))
    lease = replace(lease, secret=token.secret)
    if lease.read_back and lease.check is not None:
        return await _read_run_first(reporter, lease, lease.check, token, claimed_at=claimed_at)
    if lease.read_back:
        return await _read_back_first(reporter, lease, token, claimed_at=claimed_at)
    return await _send(reporter, lease, token)


async def _secret(reporter: Reporter, credential: str) -> str:
    """The fingerprint of the secret of *credential*; empty, which no refused secret has, where there is none."""
    try:
        return secret_behind(await reporter.secret_of(credential))
    except NoCredential:
        return ""


async def _within_budget(reporter: Reporter, act: Callable[..., T]) -> tuple[T, datetime]:
    """The result of *act* in a transaction, and when; tried again at the moment it is given, within `BUDGET_WAIT`."""
    moment: datetime | None = None
    waited = timedelta(0)
    while True:
        result, now = await reporter.ledger.write(timed, act, moment=moment, policy=reporter.policy)
        moment = result.moment if isinstance(result, Busy) else None
        if moment is None or waited + (moment - now) > BUDGET_WAIT:
            return result, now
        waited += moment - now
        await reporter.sleep((moment - now).total_seconds())


async def _send(reporter: Reporter, lease: Lease, token: AccessToken) -> Settled | Busy:
    """Step 4: POST, if the lease lasts for a whole request and there is no new pause. The check itself takes time."""
    checked_at = reporter.time()
    pause, left = await reporter.ledger.read(leases.check, lease)
    if pause is not None:
        return await _release(reporter, lease, EventKind.THROTTLED, pause.why, due_at=pause.until)
    began = reporter.time()
    if left - timedelta(seconds=began - checked_at) < reporter.policy.timeout:
        return await _release(reporter, lease, EventKind.NOT_SENT, "too little of the lease was left for a request")
    if lease.check is None:
        sent = await reporter.surface.create(lease.report, token.value)
    else:
        sent = await reporter.check_runs.send(lease.check, token.value)
    sent = replace(sent, outcome=reporter.judged(token, sent.outcome))
    return await _settle(reporter, lease, sent, seconds=reporter.time() - began)


async def _read_back_first(
    reporter: Reporter, lease: Lease, token: AccessToken, *, claimed_at: datetime
) -> Settled | Busy:
    """Steps 2 and 3: search for the report's marker; send the report only if GitHub certainly does not have it."""
    seen, held, exchange = await find_marker(reporter, lease, token.value)
    match seen:
        case None:
            return await _release_superseded(reporter, held)
        case Busy(until, why):
            return await _release(reporter, held, EventKind.THROTTLED, why, due_at=until)
        case Absent() if _is_in_doubt(lease, claimed_at):
            return await _release(reporter, held, EventKind.ABSENT, NOT_YET, due_at=lease.doubt_until)
        case Absent(is_certain=False) if lease.doubt_until and claimed_at < lease.doubt_until + GROWS_FOR:
            why = "not found on GitHub, in a list that grew while it was read"
            due_at = claimed_at + reporter.policy.settle_after
            return await _release(reporter, held, EventKind.ABSENT, why, due_at=due_at)
        case Absent():
            return await _send_again(reporter, held, token)
        case _:
            sent = Sent(reporter.judged(token, seen), exchange)
            return await _settle(reporter, held, sent, found=isinstance(seen, Found))


async def _read_run_first(
    reporter: Reporter, lease: Lease, check: CheckRequest, token: AccessToken, *, claimed_at: datetime
) -> Settled | Busy:
    """Steps 2 and 3 for a check run: the request is made only if GitHub certainly does not have it."""
    read = await find_run(reporter, lease, check, token.value)
    held, in_doubt = read.lease, _is_in_doubt(lease, claimed_at)
    match read.shows:
        case None:
            return await _release_superseded(reporter, held)
        case Busy(until, why):
            return await _release(reporter, held, EventKind.THROTTLED, why, due_at=until)
        case Seen() as shows if run := after_reading(check.step, shows):
            return await _settle(reporter, held, Sent(Delivered(run.github_id or 0), read.exchange), seen=run)
        case Seen() | Rejected() if in_doubt:
            return await _release(reporter, held, EventKind.ABSENT, NOT_YET, due_at=lease.doubt_until)
        case Seen() as shows if run := closes_nothing(check.step, shows):
            return await _settle(reporter, held, Sent(Delivered(0), read.exchange), seen=run)
        case Seen():
            return await _send_again(reporter, held, token)
        case failure:
            return await _settle(reporter, held, Sent(reporter.judged(token, failure), read.exchange))


def _is_in_doubt(lease: Lease, claimed_at: datetime) -> bool:
    """Whether an earlier request of the target may still turn up."""
    return lease.doubt_until is not None and lease.doubt_until > claimed_at


async def _send_again(reporter: Reporter, lease: Lease, token: AccessToken) -> Settled | Busy:
    tries = await reporter.ledger.read(events.tries, lease.report_id, created_at=lease.created_at)
    if tries.unconfirmed >= reporter.policy.unverifiable_after:
        words = f"GitHub accepted it {reporter.policy.unverifiable_after} times, yet never showed it"
        return await _settle(reporter, lease, Sent(Rejected(Reason.UNVERIFIABLE, words), Exchange()))
    renewed, _ = await _within_budget(reporter, partial(leases.renew_to_post, lease=lease))
    match renewed:
        case None:
            return await _release_superseded(reporter, lease)
        case Busy(until, why):
            return await _release(reporter, lease, EventKind.THROTTLED, why, due_at=until)
        case Lease():
            return await _send(reporter, renewed, token)


async def _release_superseded(reporter: Reporter, lease: Lease) -> Settled | Busy:
    return await _release(reporter, lease, EventKind.SUPERSEDED, "a newer report is current")


async def _release(
    reporter: Reporter, lease: Lease, kind: EventKind, why: str, *, due_at: datetime | None = None
) -> Settled | Busy:
    """Release the lease without having sent anything."""
    until = await reporter.ledger.write(settling.release, lease, kind, due_at=due_at, note=why)
    return Busy(until, why)


async def _settle(
    reporter: Reporter, lease: Lease, sent: Sent, *, seconds: float | None = None, found: bool = False,
    seen: Run | None = None,
) -> Settled | Busy:  # fmt: skip
    """Step 5: store the outcome, as domain/delivery/settlement.py decides it. *seen*: what GitHub shows of its run."""
    goes_on = False

    def end(tx: Transaction) -> Phase | None:
        nonlocal goes_on
        is_done = isinstance(sent.outcome, Delivered)  # whatever was tried before
        tries = Tries(lease.created_at) if is_done else events.tries(tx, lease.report_id, created_at=lease.created_at)
        settlement = settle(sent.outcome, tries, reporter.policy, now=tx.now, jitter=reporter.jitter())
        if found:
            settlement = replace(settlement, kind=EventKind.FOUND)
        run = None
        if lease.check is not None:
            answer = after_request(lease.check.step, sent.outcome, settlement, tries, now=tx.now)
            settlement, run = _of_run(tx, lease, settlement, (seen, "") if seen else answer, found=seen is not None)
        goes_on = settlement.kind is EventKind.PROGRESSED and settlement.due_at is not None
        return settling.settle(tx, lease, settlement, sent, run=run, seconds=seconds)

    phase, now = await reporter.ledger.write(timed, end)
    if phase is None:
        return Busy(now, "the lease had ended before the answer came; the report is read back next")
    if goes_on:
        return Busy(now, "its next request follows", goes_on=True)
    return Settled(phase, lease.report_id, sent.outcome)


def _of_run(
    tx: Transaction, lease: Lease, settlement: Settlement, told: tuple[Run, str | None], *, found: bool
) -> tuple[Settlement, Run]:
    """The settlement of a request about a check run, and that run's facts, which *told* has with a note."""
    run, note = told
    if note is None:
        return settlement, run
    assert lease.check is not None
    status_id, goes_on = rows.outlook(tx, lease.report_id, run)
    kind = EventKind.PROGRESSED if status_id is None else EventKind.FOUND if found else EventKind.DELIVERED
    note = note or f"{lease.check.step.request} check run {run.github_id or ''}".strip()
    return Settlement(kind, note, status_id=status_id, due_at=tx.now if goes_on else None), run
