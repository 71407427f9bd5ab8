"""The task that gets a report onto GitHub, with Prefect's own retries; each try is one whole, safe `deliver()`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.runtime import flow_run
from prefect.tasks import Task, exponential_backoff

from domain.news import Tell
from domain.outcome import NoToken, NotSent, Outcome, Rejected, Throttled, Unknown
from domain.report import Phase
from settings import Settings
from storage import standing
from storage.engine import LedgerIsAway
from storage.standing import Busy, Settled
from tasks.deliver import Reporter, deliver
from tasks.reporter import open_reporter

RETRIES = 5
PATIENCE = timedelta(seconds=sum(2**n for n in range(RETRIES)))
"""1 + 2 + 4 + 8 + 16 s: after a doubt of 20 s has ended, one try is left that may send again."""


class Undelivered(Exception):
    """The report is not on GitHub: it stays due, or was rejected. `may_help`: a try within `PATIENCE` can."""

    def __init__(self, message: str, *, may_help: bool) -> None:
        super().__init__(message)
        self.may_help = may_help


async def deliver_report(reporter: Reporter, report_id: int, *, job_ends_now: bool = False) -> Phase:
    """Try once to get a report onto GitHub: delivered, or superseded by one that was.

    Raises:
        Undelivered: it is neither.
    """
    async with reporter.ledger.transaction() as session:
        target_id = await standing.target_of(session, report_id)
    came_to = await deliver(reporter, target_id, job_ends_now=job_ends_now)
    async with reporter.ledger.transaction() as session:
        now = await reporter.ledger.clock(session)
        phase = await standing.phase_of(session, report_id)
    if phase in (Phase.DELIVERED, Phase.SUPERSEDED):
        return phase
    raise Undelivered(_said(came_to), may_help=_may_help(came_to, now))


def _may_help(came_to: Settled | Busy, now: datetime) -> bool:
    match came_to:
        case Busy(until):
            return until - now <= PATIENCE
        case Settled(outcome=NotSent() | NoToken() | Unknown()):
            return True
        case Settled(outcome=Throttled(until=datetime() as until)):
            return until - now <= PATIENCE
        case _:
            return False


def _said(came_to: Settled | Busy) -> str:
    match came_to:
        case Busy(until, why):
            return f"not now: {why} (until {until.astimezone(UTC):%H:%M:%S} UTC)"
        case Settled(phase, outcome):
            return f"{phase}: {_words(outcome)}"


def _words(outcome: Outcome | None) -> str:
    match outcome:
        case Rejected(reason, message) | Throttled(reason, message):
            return f"{reason}: {message}"
        case NotSent(why) | NoToken(why):
            return f"nothing was sent: {why}"
        case Unknown(why):
            return f"no answer that tells; GitHub will be asked before anything is sent again: {why}"
        case _:
            return "somebody else settled it"


async def is_worth_a_retry(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Prefect's retry condition. Must be a plain async function: Prefect 3.8 never retries on a partial."""
    return isinstance(state.data, LedgerIsAway) or (isinstance(state.data, Undelivered) and state.data.may_help)


@task(
    name="report_status",
    description="Get a report onto GitHub, once.",
    retries=RETRIES,
    retry_delay_seconds=exponential_backoff(backoff_factor=1),
    retry_condition_fn=is_worth_a_retry,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def report_status(report_id: int, tell: Tell) -> Phase:
    """Get the report onto GitHub: delivered, or superseded by a newer one that was. *tell* hears of each move.

    Raises:
        Undelivered: not within Prefect's retries; the reconciliation goes on, unless GitHub rejected it.
        LedgerIsAway: it stayed away for as long.
    """
    async with open_reporter(Settings(), f"task of {flow_run.name or 'no flow run'}", tell) as reporter:
        return await deliver_report(reporter, report_id, job_ends_now=True)
