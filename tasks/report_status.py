"""The task that gets a report onto GitHub, with Prefect's own retries; each try is one whole, safe `deliver()`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.states import Completed
from prefect.tasks import Task, exponential_backoff

from domain.delivery.notifications import Publish
from domain.delivery.outcome import NoToken, NotSent, Outcome, Reason, Rejected, Throttled, Unknown, note_of
from domain.delivery.report import Phase, Rank
from settings import Settings
from storage.delivery import availability
from storage.delivery.availability import Busy, Settled
from storage.engine import LedgerUnavailable
from storage.models import StatusReport
from tasks.delivery.deliver import Reporter, deliver
from tasks.delivery.reporter import open_reporter

RETRIES = 5
PATIENCE = timedelta(seconds=sum(2**n for n in range(RETRIES)))
"""1 + 2 + 4 + 8 + 16 s: after a doubt of 20 s has ended, one try is left that may send again."""


GOT_THERE = (Phase.DELIVERED, Phase.SUPERSEDED)
LEFT = "left to the reconciliation: what it waits for is on its job's page"


class Undelivered(Exception):
    """The report is not on GitHub: it stays due, or was rejected. `may_help`: a try within `PATIENCE` can."""

    def __init__(self, message: str, *, may_help: bool) -> None:
        super().__init__(message)
        self.may_help = may_help


async def deliver_report(reporter: Reporter, report_id: int, *, job_ends_now: bool = False) -> Phase:
    """Try once to get a report onto GitHub: delivered, or superseded by one that was.

    *job_ends_now*: the report's own job asks. Its `pending` may come to `due` or `sending`, too, where nothing but time
    is needed: it is left to the reconciliation, and the outcome will show what lasts.

    Raises:
        Undelivered: it is none of these.
    """
    async with reporter.ledger.transaction() as session:
        report = await session.get_one(StatusReport, report_id)
    result = await deliver(reporter, report.target_id, job_ends_now=job_ends_now)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        phase = await availability.phase_of(session, report_id)
    if phase in GOT_THERE:
        return phase
    if job_ends_now and report.rank == Rank.PENDING and _needs_only_time(result, phase):
        return phase
    raise Undelivered(_said(result), may_help=_may_help(result, now))


def _needs_only_time(result: Settled | Busy, phase: Phase) -> bool:
    """Whether the report is delivered without anybody's help, unless the cause lasts."""
    match result:
        case Settled(outcome=NoToken() | Throttled(reason=Reason.BAD_CREDENTIALS)):
            return False
        case _:
            return phase is not Phase.REJECTED


def _may_help(result: Settled | Busy, now: datetime) -> bool:
    match result:
        case Busy(until):
            return until - now <= PATIENCE
        case Settled(outcome=NotSent() | NoToken() | Unknown()):
            return True
        case Settled(outcome=Throttled(until=datetime() as until)):
            return until - now <= PATIENCE
        case _:
            return False


def _said(result: Settled | Busy) -> str:
    match result:
        case Busy(until, why):
            return f"not now: {why} (until {until.astimezone(UTC):%H:%M:%S} UTC)"
        case Settled(phase, outcome):
            return f"{phase}: {_words(outcome)}"


def _words(outcome: Outcome | None) -> str:
    match outcome:
        case Rejected() | Throttled():
            return note_of(outcome)
        case NotSent():
            return f"nothing was sent: {note_of(outcome)}"
        case NoToken(why):
            return f"nothing was sent: {why}"
        case Unknown():
            return f"no answer that tells; GitHub will be asked before anything is sent again: {note_of(outcome)}"
        case _:
            return "somebody else settled it"


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
async def report_status(report_id: int, publish: Publish, *, job_ends_now: bool = True) -> Phase | State[Phase]:
    """Get the report onto GitHub: delivered, or superseded by a newer one that was. *tell* hears of each move.

    *job_ends_now*: the report's own job asks, not a person's Retry of it, which the spacing of the write budget binds.
    A `pending` that has to wait is left to the reconciliation, and the task run is Completed all the same.

    Raises:
        Undelivered: not within Prefect's retries; the reconciliation goes on, unless GitHub rejected it.
        LedgerUnavailable: it stayed away for as long.
    """
    async with open_reporter(Settings(), f"task of {flow_run.name or 'no flow run'}", publish) as reporter:
        phase = await deliver_report(reporter, report_id, job_ends_now=job_ends_now)
    return phase if phase in GOT_THERE else Completed(data=phase, name="LeftToReconciliation", message=LEFT)
