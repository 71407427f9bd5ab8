"""The command `reportback runs list`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table

from console.arguments import Json, Limit
from console.ledger import opened
from console.terminal import plain, results, say, table, write_json
from domain.jobs.run_names import SHORT_SHA
from domain.jobs.submission import UnreadableJob, asked_by
from domain.operations.job_runs import JobRun, LostRun, Standing, standing
from domain.units import span
from local.prefect_server import prefect_server
from settings import Settings
from storage.identity import ledger_id
from storage.jobs import liveness
from storage.ledger import Ledger
from storage.operations.job_runs import never_started as lost_runs
from storage.transaction import Transaction
from tasks.runs.job_runs import active_runs, deployments_of, scheduled_runs
from tasks.runs.workers import time_of

NEVER_STARTED = "never started"


@dataclass(frozen=True, slots=True)
class Line:
    """A flow run as it is listed. `since`: when it was to start, took its state, or was found dead."""

    run: JobRun | LostRun
    state: str
    since: datetime
    age: str
    repository: str = ""
    sha: str = ""


async def list_runs(
    *,
    late: bool = False,
    never_started: bool = False,
    limit: Limit = 100,
    as_json: Json = False,
    fails_if_any: Annotated[bool, Parameter(name="--exit-code")] = False,
) -> int:
    """List the flow runs of docs jobs that wait, are late, start or run, and those of the last day that never started.

    Asks Prefect and the ledger; only flow runs of the deployments that name this ledger.

    Args:
        late: Only those that no worker has taken for a minute.
        never_started: Only those that died before their job was accepted.
        limit: How many of each kind to list at most. A note on stderr says if there are more.
        as_json: Print a JSON array, for programs.
        fails_if_any: Exit with 1 if anything is listed.
    """
    wanted = {Standing.LATE: late, NEVER_STARTED: never_started}
    async with opened(Settings()) as ledger:
        found = await _lost(ledger, limit + 1) if never_started or not late else []
        if late or not never_started:
            found = [*await _in_prefect(ledger, limit + 1), *found]
    if any(wanted.values()):
        found = [one for one in found if wanted.get(one.state)]
    _print(found[:limit], as_json=as_json)
    if len(found) > limit:
        say(f"There are more; these are the first {limit}. --limit shows more of them.")
    return int(fails_if_any and bool(found))


async def _in_prefect(ledger: Ledger, limit: int) -> list[Line]:
    """What Prefect has not ended: scheduled ones by the time at which they were to start, then those at workers."""
    async with prefect_server() as client:
        now = await time_of(client)
        deployments = await deployments_of(client, [await ledger.read(ledger_id)])
        if not deployments:
            return []
        scheduled = await scheduled_runs(client, deployments, limit=limit)
        active = await active_runs(client, deployments, now)
    known = await ledger.read(liveness.known, [run.id for run in active])
    return [_line(run, now, is_accepted=run.id in known) for run in (*scheduled, *active)]


def _line(run: JobRun, now: datetime, *, is_accepted: bool) -> Line:
    since = run.due_at or run.state_at
    state = standing(run, now, is_accepted=is_accepted)
    try:
        target = asked_by(run.parameters, None).target
    except UnreadableJob:
        target = None
    return Line(run, state, since, span(now - since), *((target.repository, target.sha) if target else ()))


async def _lost(ledger: Ledger, limit: int) -> list[Line]:
    def read(tx: Transaction) -> list[Line]:
        return [
            Line(
                one, NEVER_STARTED, one.ended_at, span(tx.now - one.ended_at),
                *((one.target.repository, one.target.sha) if one.target else ()),
            )
            for one in lost_runs(tx, limit=limit)
        ]  # fmt: skip

    return await ledger.read(read)


def _print(found: Sequence[Line], *, as_json: bool) -> None:
    if as_json:
        write_json([fields(one) for one in found])
    elif found:
        results().print(rows(found))
    else:
        results().print("No such flow run.")


def fields(line: Line) -> Mapping[str, object]:
    """A flow run for `--json`. Names stay; more may be added."""
    run = line.run
    return {
        "run": run.id, "state": line.state.replace(" ", "_"), "since": line.since,
        "repository": line.repository or None, "sha": line.sha or None,
        "worker": run.worker if isinstance(run, JobRun) else None,
        "worker_alive": run.is_attended if isinstance(run, JobRun) else None,
        "words": run.words if isinstance(run, LostRun) else None,
    }  # fmt: skip


def rows(found: Sequence[Line]) -> Table:
    """The flow runs as a table."""
    made = table("flow run", "state", "age", "repository", "sha", "worker", "why")
    for column in made.columns[:3]:
        column.no_wrap = True
    for one in found:
        run = one.run
        about = (run.id, one.state, one.age, one.repository, one.sha[:SHORT_SHA])
        worker, why = ("", run.words) if isinstance(run, LostRun) else (run.worker or "", _trouble(run))
        made.add_row(*map(plain, (*about, worker, why)))
    return made


def _trouble(run: JobRun) -> str:
    return "its worker sends no heartbeat" if run.is_attended is False else ""
