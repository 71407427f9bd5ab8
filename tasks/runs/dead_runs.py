"""Finds flow runs that cannot go on, whatever Prefect shows: their worker or their process is gone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.events.filters import EventFilter

from domain.operations.job_runs import LONGEST_START, NO_HEARTBEAT
from tasks.process.kernel import command_line
from tasks.runs.workers import alive_workers, is_attended

HEARTBEAT = "prefect.flow-run.heartbeat"
BEATS = timedelta(minutes=10)
"""A flow run without a heartbeat for so long is gone, if its worker is: it sends one every three minutes."""


async def dead_runs(client: PrefectClient, runs: Sequence[FlowRun], now: datetime) -> dict[UUID, str]:
    """Those of *runs* that cannot go on, and why. *now*: by the clock of Prefect's server.

    A run whose worker or process may still be there is not among them; nor is one that a person has suspended.
    """
    alive = await alive_workers(client, runs, now)
    found: dict[UUID, str] = {}
    for run in runs:
        if run.state_type is StateType.PENDING:
            why = _why_never(run, is_attended(run, alive) is not False, now)
        elif run.state_type in (StateType.RUNNING, StateType.CANCELLING):
            why = await _why_no_more(client, run, is_attended(run, alive) is not False, now)
        else:
            continue
        if why:
            found[run.id] = why
    return found


def _since(run: FlowRun, now: datetime) -> timedelta:
    assert run.state is not None  # its type was read
    return timedelta(seconds=now.timestamp() - run.state.timestamp.timestamp())


def _why_never(run: FlowRun, has_worker: bool, now: datetime) -> str | None:  # noqa: FBT001  # read beside its run
    if not has_worker and _since(run, now) > NO_HEARTBEAT:
        return "its worker is gone"
    return "it did not start within 10 minutes" if _since(run, now) > LONGEST_START else None


async def _why_no_more(client: PrefectClient, run: FlowRun, has_worker: bool, now: datetime) -> str | None:  # noqa: FBT001  # the same
    if has_worker or _since(run, now) <= NO_HEARTBEAT or _is_here(run):
        return None
    if _since(run, now) > BEATS and not await _beats(client, run.id, now):
        return "its worker is gone, and it has no heartbeat"
    return None


def _is_here(run: FlowRun) -> bool:
    """Whether a process of this machine may be that flow run's. Its environment, with the run's id, is closed."""
    pid = run.infrastructure_pid or ""
    return pid.isdigit() and any("prefect" in word for word in command_line(int(pid)))


async def _beats(client: PrefectClient, run_id: UUID, now: datetime) -> bool:
    """Whether the flow run has sent a heartbeat lately."""
    asked = EventFilter.model_validate(
        {
            "occurred": {"since": now - BEATS, "until": now + BEATS},
            "event": {"name": [HEARTBEAT]},
            "resource": {"id": [f"prefect.flow-run.{run_id}"]},
        }
    )
    return bool((await client.read_events(asked, limit=1)).events)
