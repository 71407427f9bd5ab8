"""The command `reportback jobs retry`: Prefect's Retry for many flow runs at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry
from rich.table import Table

from console.arguments import EVERY_JOB, DryRun, JobFilter, Sure
from console.ledger import opened, os_user
from console.progress import CommandProgress
from console.terminal import plain, refusal, results, say, table
from domain.jobs.job_states import JobState
from domain.jobs.run_names import SHORT_SHA
from domain.units import span
from local.prefect_server import prefect_server
from settings import Settings
from storage.operations.ended_jobs import EndedJob, ended_jobs
from storage.transaction import timed

REFUSED = 2
SHORT_ID = 8
RETRIED = "retried"


async def retry_jobs(
    *ids: UUID, asked: JobFilter = EVERY_JOB, is_dry_run: DryRun = False, is_sure: Sure = False
) -> int:
    """Have jobs that ended without success executed again, as Retry in Prefect's UI does for one flow run.

    Selected by options, a job is left alone if a later one was accepted for its commit and context. Each is left alone
    while its flow run has not ended in Prefect. Exits with 1 if some could not be retried, with 2 if nothing was tried.

    Args:
        ids: Ids of docs-job flow runs.
        asked: Only the jobs that match.
        is_dry_run: List what would be retried, and retry nothing.
        is_sure: Do not ask before retrying more than 10.
    """
    asked = replace(asked, job_ids=ids)
    if asked == EVERY_JOB:
        return _refuse("nothing was selected: name flow runs, or --state, --type, --repo, --machine or --since")
    if JobState.SUCCEEDED in asked.state or not all(state.is_over for state in asked.state):
        return _refuse("only what ended without success is executed again: failed, timed-out, cancelled, crashed, lost")
    async with opened(Settings()) as ledger:
        now = await ledger.now()
        found, _ = await ledger.read(timed, ended_jobs, asked.selection(now))
    chosen = [job for job in found if job.is_latest or job.id in ids]
    if later := len(found) - len(chosen):
        say(f"{later} left alone: a later job was accepted for their commit and context")
    for unknown in sorted(set(ids) - {job.id for job in found}, key=str):
        say(f"{unknown}: no job that ended without success")
    if is_dry_run:
        results().print(rows(chosen, now) if chosen else "Nothing to retry.")
        return 0
    if why := await refusal(len(chosen), "jobs", is_sure=is_sure):
        return _refuse(why)
    left = await _retry_each(chosen) if chosen else 0
    results().print(_summary(len(chosen), left))
    return int(bool(left))


def _refuse(why: str) -> int:
    say(f"reportback: {why}")
    return REFUSED


def rows(jobs: Sequence[EndedJob], now: datetime) -> Table:
    """The jobs as a table."""
    made = table("job", "type", "commit", "state", "ended", "machine")
    for one in jobs:
        about = f"{one.target.repository} {one.target.sha[:SHORT_SHA]} {one.target.context}" if one.target else ""
        ended = f"{span(now - one.ended_at)} ago"
        made.add_row(*map(plain, (one.id, one.type, about, one.state, ended, one.machine[:SHORT_ID])))
    return made


async def _retry_each(jobs: Sequence[EndedJob]) -> int:
    """Retry each; returns how many were not."""
    ends = Counter[bool]()
    async with prefect_server() as client:
        with CommandProgress("retrying", total=len(jobs)) as progress:
            for job in jobs:
                words = await retried(client, job.id)
                ends[words == RETRIED] += 1
                progress.say(f"{job.id}: {words}")
                progress.step()
    return ends[False]


async def retried(client: PrefectClient, run_id: UUID) -> str:
    """`RETRIED` if Prefect's server has taken a Retry of the flow run; else why not, with what to do."""
    try:
        run = await client.read_flow_run(run_id)
        if run.state is None or not run.state.is_final():
            is_now = run.state_name or "without a state"
            return f"is {is_now} in Prefect: left alone until it has ended there, which the reconciliation sees to"
        answer: OrchestrationResult[None] = await client.set_flow_run_state(
            run_id, AwaitingRetry(message=f"retried by {os_user()}")
        )
    except ObjectNotFound:
        return "Prefect has no such flow run any more: start a new one with `reportback submit`"
    if answer.status is not SetStateStatus.ACCEPT:
        return f"Prefect refuses: {getattr(answer.details, 'reason', None) or answer.status.value}"
    return RETRIED


def _summary(count: int, left: int) -> str:
    if not count:
        return "Nothing to retry."
    if not left:
        return f"{count} retried: a worker takes them."
    return f"{left} of {count} were not retried."
