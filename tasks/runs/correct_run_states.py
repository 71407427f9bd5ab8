"""Corrects flow-run states on Prefect's server that contradict the ledger.

Every function raises the errors of Prefect's client where the server cannot be reached: call it with `best_effort`.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed, Running

from domain.jobs.job_states import JobState
from domain.operations.job_runs import LONGEST_START
from storage.jobs import liveness
from storage.jobs.liveness import Over
from storage.transaction import timed
from tasks.delivery.reporter import Reporter
from tasks.process.identity import is_gone
from tasks.runs.job_runs import DOCS_JOBS, deployments_of, runs_of, server

logger = logging.getLogger("reportback.runs")

UNACCEPTED = "its job is in no ledger: its process died before the job was accepted, or a backup was put back"

REPORTING = timedelta(minutes=10)
"""Within this, the report of an ended job has been tried by its flow run."""

AT_ONCE = 2
"""States set at once: more would only wait for each other in a server on SQLite."""

MOST_DELETED = 50
"""Flow runs that one reconciliation run deletes."""


async def why_cancelled(run_id: UUID) -> str:
    """What to say of a job whose flow run is cancelled or being cancelled, or was deleted; else empty.

    Its process gets no signal when the API sets Cancelled, or when its worker has died.
    """
    async with server() as client:
        try:
            return "cancelled" if _is_cancelled((await client.read_flow_run(run_id)).state) else ""
        except ObjectNotFound:
            logger.warning("the flow run was deleted in Prefect: its job is cancelled")
            return "cancelled: its flow run was deleted in Prefect"


def _is_cancelled(state: State[Any] | None) -> bool:
    return state is not None and (state.is_cancelled() or state.is_cancelling())


async def show_waiting(run_id: UUID, ahead: Sequence[UUID]) -> None:
    """Show in the flow run's state the jobs *ahead* that it waits for, or else Running; unless it is cancelled."""
    async with server() as client:
        if _is_cancelled((await client.read_flow_run(run_id)).state):
            return
        state: State[None] = Running()
        if ahead:
            names = [(await client.read_flow_run(one)).name for one in ahead]
            state = Running(
                name="Waiting", message=f"waits for {', '.join(names)}: one at a time of its exclusive group"
            )
        await client.set_flow_run_state(run_id, state, force=True)


async def crash_dead_runs(reporter: Reporter) -> None:
    """Set to Crashed the docs jobs that are Pending or Running on the server though their process died."""
    async with server() as client:
        asked = runs_of(None, StateType.PENDING, StateType.RUNNING, StateType.CANCELLING)
        found = await client.read_flow_runs(flow_filter=DOCS_JOBS, flow_run_filter=asked)
        active = {run.id: run for run in found}
        ended, now = await reporter.ledger.read(timed, liveness.over, list(active))
        runs = [(active[one.job_id], one) for one in ended]
        await _set_all(client, [(run, _corrected_state(run, one)) for run, one in runs if _is_dead(run, one, now)])


async def crash_unaccepted_runs(reporter: Reporter, named: UUID | None, *, now: datetime) -> None:
    """Set to Crashed the docs jobs that started long ago and are in no ledger, as no other process will end them.

    Only those of deployments that name this ledger, *named*; others may use another. *now*: by the clock of Prefect's
    server.
    """
    async with server() as client:
        asked = runs_of(
            await deployments_of(client, [named]), StateType.PENDING, StateType.RUNNING, StateType.CANCELLING
        )
        found = await client.read_flow_runs(flow_run_filter=asked)
        active = [run for run in found if _unchanged_since(run, now - LONGEST_START)]
        known = await reporter.ledger.read(liveness.known, [run.id for run in active])
        await _set_all(client, [(run, _final_state(run, UNACCEPTED)) for run in active if run.id not in known])


def _is_dead(run: FlowRun, one: Over, now: datetime) -> bool:
    """Whether a flow run whose job has ended has no process any more. Retried since, it has another process."""
    if run.state and run.state.is_pending() and one.process.host:
        return False  # a Retry that a worker has just taken
    if run.state and not run.state.is_cancelling() and run.state.timestamp > one.ended_at:
        return now - run.state.timestamp > REPORTING
    return one.state is JobState.LOST or bool(is_gone(one.process)) or now - one.ended_at > REPORTING


def _corrected_state(run: FlowRun, one: Over) -> State[None]:
    ended = f"{one.state.value.replace('_', ' ')} at {one.ended_at:%H:%M:%S} UTC"
    if one.state is JobState.CANCELLED and run.state is not None and run.state.is_cancelling():
        return Cancelled(message=f"as was asked for: its job ended as {ended}")
    return _final_state(run, f"the process of this flow run died, or is cut off; its job had ended as {ended}")


def _final_state(run: FlowRun, words: str) -> State[None]:
    """The state to set: Cancelled where a cancellation was requested, else Crashed."""
    is_cancelling = run.state is not None and run.state.is_cancelling()
    return Cancelled(message=words) if is_cancelling else Crashed(message=words)


async def crash_dead_reconciliations(deployment_id: UUID, *, before: datetime) -> None:
    """Set to Crashed the reconciliation runs that are Running since before *before*: longer than any run takes."""
    # By the first start, also of a run that was retried.
    ours = runs_of([deployment_id], StateType.RUNNING, start_time={"before_": before})
    await _set_matching(ours, Crashed(message="its process died"), since=before)


async def cancel_late_reconciliations(deployment_id: UUID, *, before: datetime) -> None:
    """Cancel the runs that should have started before *before*, and have not: one run does the work of all."""
    late = runs_of([deployment_id], StateType.SCHEDULED, next_scheduled_start_time={"before_": before})
    await _set_matching(late, Cancelled(message="late, skipped: another reconciliation run does its work"))


async def delete_old_reconciliations(deployment_id: UUID, *, before: datetime) -> None:
    """Delete runs that ended before *before*, with their logs: up to `MOST_DELETED`; the next run deletes more."""
    old = runs_of([deployment_id], *TERMINAL_STATES, end_time={"before_": before})
    async with server() as client:
        for run in await client.read_flow_runs(flow_run_filter=old, limit=MOST_DELETED):
            with suppress(ObjectNotFound):  # another reconciliation run was quicker
                await client.delete_flow_run(run.id)


async def _set_matching(runs: FlowRunFilter, state: State[None], *, since: datetime | None = None) -> None:
    async with server() as client:
        found = await client.read_flow_runs(flow_run_filter=runs)
        await _set_all(client, [(run, state) for run in found if since is None or _unchanged_since(run, since)])


def _unchanged_since(run: FlowRun, moment: datetime) -> bool:
    return run.state is not None and run.state.timestamp <= moment


async def _set_all(client: PrefectClient, states: Iterable[tuple[FlowRun, State[None]]]) -> None:
    """Set each flow run to its state, a few at a time; skips those whose state changed since they were read."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(run: FlowRun, state: State[None]) -> None:
        async with limit:
            with suppress(ObjectNotFound):  # deleted meanwhile
                if (await client.read_flow_run(run.id)).state_id == run.state_id:
                    await client.set_flow_run_state(run.id, state)

    await asyncio.gather(*(one(run, state) for run, state in states))
