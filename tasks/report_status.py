"""The task that delivers a report to GitHub with Prefect's retries; each try is one complete, safe `deliver()`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff

from domain.delivery.outcome import (
    NoToken,
    NotSent,
    Outcome,
    Reason,
    Rejected,
    StaleToken,
    Throttled,
    Unknown,
    note_of,
)
from domain.delivery.report import Phase, Rank, RecordedReport
from storage.delivery import availability
from storage.delivery.availability import Busy, Settled
from storage.ledger import LedgerUnavailable
from storage.transaction import timed
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

RETRIES = 5
RETRY_WINDOW = timedelta(seconds=sum(2**n for n in range(RETRIES)))
"""1 + 2 + 4 + 8 + 16 s: after a doubt of 20 s has ended, one try is left that may send again."""

DONE = (Phase.DELIVERED, Phase.SUPERSEDED)
LEFT_MESSAGE = "left to the reconciliation: its job's page says what it waits for"


class Undelivered(Exception):
    """The report is not on GitHub: it stays due or was rejected. `may_help`: a retry within `RETRY_WINDOW` may."""

    def __init__(self, message: str, *, may_help: bool) -> None:
        super().__init__(message)
        self.may_help = may_help


async def deliver_report(reporter: Reporter, report: RecordedReport, *, job_ends_now: bool = False) -> Phase:
    """Try once to deliver a report. Returns its phase: delivered, or superseded by one that was.

    *job_ends_now*: the caller is the report's own job. Its `pending` may also stay `due` or `sending` where only time
    is needed: it is left to the reconciliation, and the outcome will show a cause that lasts.

    Raises:
        Undelivered: the report is in none of these phases.
    """
    result = await deliver(reporter, report.target_id, job_ends_now=job_ends_now)
    if isinstance(result, Settled) and result.report_id == report.id and result.phase in DONE:
        return result.phase
    phase, now = await reporter.ledger.read(timed, availability.phase_of, report.id)
    if phase in DONE:
        return phase
    if job_ends_now and report.rank == Rank.PENDING and _needs_only_time(result, phase):
        return phase
    raise Undelivered(_describe(result), may_help=_may_help(result, now))


def _needs_only_time(result: Settled | Busy, phase: Phase) -> bool:
    """Whether the report will be delivered without an operator, unless the cause lasts."""
    match result:
        case Settled(outcome=NoToken() | Throttled(reason=Reason.BAD_CREDENTIALS)):
            return False
        case _:
            return phase is not Phase.REJECTED


def _may_help(result: Settled | Busy, now: datetime) -> bool:
    match result:
        case Busy(until):
            return until - now <= RETRY_WINDOW
        case Settled(outcome=NotSent() | NoToken() | StaleToken() | Unknown()):
            return True
        case Settled(outcome=Throttled(until=datetime() as until)):
            return until - now <= RETRY_WINDOW
        case _:
            return False


def _describe(result: Settled | Busy) -> str:
    match result:
        case Busy(until, why):
            return f"not now: {why} (until {until.astimezone(UTC):%H:%M:%S} UTC)"
        case Settled(phase=phase, outcome=outcome):
            return f"{phase}: {_describe_outcome(outcome)}"


def _describe_outcome(outcome: Outcome | None) -> str:
    match outcome:
        case Rejected() | Throttled():
            return note_of(outcome)
        case NotSent():
            return f"nothing was sent: {note_of(outcome)}"
        case NoToken():
            return f"nothing was sent: {note_of(outcome)}"
        case StaleToken(why):
            return why
        case Unknown():
            return f"no clear answer; GitHub will be read before anything is sent again: {note_of(outcome)}"
        case _:
            return "another sender settled it"


async def is_worth_a_retry(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Prefect's retry condition. Must be a plain async function: Prefect 3.8 never retries on a partial."""
    return isinstance(state.data, LedgerUnavailable) or (isinstance(state.data, Undelivered) and state.data.may_help)


@task(
    name="report_status",
    description="Get a report onto GitHub, once.",
    retries=RETRIES,
    retry_delay_seconds=exponential_backoff(backoff_factor=1),
    retry_condition_fn=is_worth_a_retry,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def report_status(
    report: RecordedReport, by: Callable[[], Reporter], *, job_ends_now: bool = True
) -> Phase | State[Phase]:
    """Deliver the report: delivered, or superseded by a newer one that was.

    *by* is a function because Prefect would traverse and copy a value. *job_ends_now*: the caller is the report's own
    job, not a person's Retry of it, to which the write budget's spacing applies. A `pending` that has to wait is left
    to the reconciliation, and the task run is Completed all the same.

    Raises:
        Undelivered: not within Prefect's retries; the reconciliation goes on, unless GitHub rejected it.
        LedgerUnavailable: the ledger was unavailable for as long.
    """
    reporter = by().acting_as(f"task of {flow_run.name or 'no flow run'}")
    phase = await deliver_report(reporter, report, job_ends_now=job_ends_now)
    return phase if phase in DONE else Completed(data=phase, name="LeftToReconciliation", message=LEFT_MESSAGE)
