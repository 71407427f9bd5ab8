"""Corrects flow-run states on Prefect's server that contradict the ledger.

Every function raises what Prefect's client raises where the server cannot be asked. `best_effort` logs that as one
line: no report waits for Prefect.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterEndTime,
    FlowRunFilterNextScheduledStartTime,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, State, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed, Running

from domain.jobs.job import JobState
from domain.operations.ledger_tag import BadLedgerTag, ledger_named_by
from domain.redact import of_error
from domain.text import LogLine
from storage.jobs import liveness
from storage.jobs.liveness import Over
from tasks.delivery.deliver import Reporter
from tasks.process.identity import is_gone

PATIENCE = timedelta(seconds=20)
"""How long Prefect may take for what it is asked here."""

ACCEPTING = timedelta(minutes=10)
"""A flow run that begins has its job in the ledger after less than this, or has given up waiting for the ledger."""

UNACCEPTED = "its job is in no ledger: its process died before the job was accepted, or a backup was put back"

REPORTING = timedelta(minutes=10)
"""A job that has ended is being reported for less than this."""

AT_ONCE = 2
"""States set at once: more of them only wait for each other in a server on SQLite."""

DOCS_JOBS = FlowFilter(name=FlowFilterName(any_=["docs-job"]))

MOST_DELETED = 50
"""Flow runs that one pass deletes."""


async def best_effort(
    work: Awaitable[None], *, warn: LogLine, otherwise: str = "Prefect's server could not be asked or told"
) -> None:
    """Do *work* if Prefect lets us. What goes wrong is said, after *otherwise*, and nothing else comes of it."""
    try:
        await work
    except Exception as error:  # noqa: BLE001  # whatever is the matter with Prefect, jobs and reports go on
        warn(f"{otherwise}: {of_error(error)}")


@asynccontextmanager
async def _server() -> AsyncIterator[PrefectClient]:
    async with asyncio.timeout(PATIENCE.total_seconds()), get_client() as client:
        yield client


async def is_cancelled(run_id: UUID) -> bool:
    """Whether the flow run is, or was, to be cancelled: of which its process may hear nothing.

    Nobody tells it when the API sets Cancelled, or when its worker has died.
    """
    async with _server() as client:
        return _is_cancelled((await client.read_flow_run(run_id)).state)


def _is_cancelled(state: State[Any] | None) -> bool:
    return state is not None and (state.is_cancelled() or state.is_cancelling())


async def show_waiting(run_id: UUID, ahead: Sequence[UUID]) -> None:
    """Show in the flow run's state for whom it waits, or, with nobody *ahead*, that it runs; unless it is cancelled."""
    async with _server() as client:
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
    """Set to Crashed what stands Running though its process died, so that the UI tells the truth."""
    async with _server() as client:
        believed = {run.id: run for run in await _believed_at_work(client)}
        async with reporter.ledger.transaction() as session:
            now = await reporter.ledger.clock(session)
            ended = await liveness.over(session, list(believed))
        runs = [(believed[one.job_id], one) for one in ended]
        await _set_all(client, [(run, _truth(run, one)) for run, one in runs if _is_dead(run, one, now)])


async def crash_unaccepted_runs(reporter: Reporter, named: UUID | None, *, now: datetime) -> None:
    """Set to Crashed the docs jobs that began long ago and are in no ledger: nobody else will hear of them.

    Those of deployments that name the ledger as this one is *named*; others may be in another. *now*: by the clock of
    Prefect's server.
    """
    async with _server() as client:
        begun = [run for run in await _begun(client, named) if _stands_since(run, now - ACCEPTING)]
        async with reporter.ledger.reading() as session:
            known = await liveness.known(session, [run.id for run in begun])
        await _set_all(client, [(run, _over(run, UNACCEPTED)) for run in begun if run.id not in known])


def _is_dead(run: FlowRun, one: Over, now: datetime) -> bool:
    """Whether nobody is at work any more for a flow run whose job has ended. Retried since, it has another process."""
    if run.state and run.state.is_running() and run.state.timestamp > one.ended_at:
        return now - run.state.timestamp > REPORTING
    return one.state is JobState.LOST or bool(is_gone(one.process)) or now - one.ended_at > REPORTING


def _truth(run: FlowRun, one: Over) -> State[None]:
    ended = f"{one.state.value.replace('_', ' ')} at {one.ended_at:%H:%M:%S} UTC"
    return _over(run, f"the process of this flow run died, or is cut off; its job had ended as {ended}")


def _over(run: FlowRun, words: str) -> State[None]:
    """What it is to be set to: whoever wanted it cancelled sees it cancelled."""
    is_cancelling = run.state is not None and run.state.is_cancelling()
    return Cancelled(message=words) if is_cancelling else Crashed(message=words)


async def crash_dead_passes(deployment_id: UUID, *, before: datetime) -> None:
    """Set to Crashed the passes that stand Running since before then: each would have ended long ago."""
    ours = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]),
        state=_in(StateType.RUNNING),
        start_time=FlowRunFilterStartTime(before_=before),  # its first one, also of a pass that was retried
    )
    await _set_matching(ours, Crashed(message="its process died"), since=before)


async def cancel_late_passes(deployment_id: UUID, *, before: datetime) -> None:
    """Cancel the passes that should have begun before then, and have not: one does the work of all."""
    late = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]),
        state=_in(StateType.SCHEDULED),
        next_scheduled_start_time=FlowRunFilterNextScheduledStartTime(before_=before),
    )
    await _set_matching(late, Cancelled(message="late, skipped: another pass does its work"))


async def delete_old_passes(deployment_id: UUID, *, before: datetime) -> None:
    """Delete passes that ended before then, with their logs: `MOST_DELETED`, and the next pass goes on."""
    old = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[deployment_id]),
        state=_in(*TERMINAL_STATES),
        end_time=FlowRunFilterEndTime(before_=before),
    )
    async with _server() as client:
        for run in await client.read_flow_runs(flow_run_filter=old, limit=MOST_DELETED):
            with suppress(ObjectNotFound):  # another pass was quicker
                await client.delete_flow_run(run.id)


async def _set_matching(runs: FlowRunFilter, state: State[None], *, since: datetime | None = None) -> None:
    async with _server() as client:
        found = await client.read_flow_runs(flow_run_filter=runs)
        await _set_all(client, [(run, state) for run in found if since is None or _stands_since(run, since)])


async def _believed_at_work(client: PrefectClient) -> list[FlowRun]:
    return await client.read_flow_runs(
        flow_filter=DOCS_JOBS, flow_run_filter=FlowRunFilter(state=_in(StateType.RUNNING, StateType.CANCELLING))
    )


async def _begun(client: PrefectClient, named: UUID | None) -> list[FlowRun]:
    """The docs jobs that stand at work, of deployments whose ledger is *named* so."""
    deployments = await client.read_deployments(flow_filter=DOCS_JOBS)
    ours = [one.id for one in deployments if _ledger_of(one) == named]
    if not ours:
        return []
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            deployment_id=FlowRunFilterDeploymentId(any_=ours),
            state=_in(StateType.PENDING, StateType.RUNNING, StateType.CANCELLING),
        )
    )


def _ledger_of(deployment: DeploymentResponse) -> UUID | str | None:
    """The ledger that the deployment is for, if it names one; the words of a tag that names none."""
    try:
        return ledger_named_by(deployment.tags)
    except BadLedgerTag as error:
        return str(error)


def _stands_since(run: FlowRun, moment: datetime) -> bool:
    return run.state is not None and run.state.timestamp <= moment


def _in(*types: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types)))


async def _set_all(client: PrefectClient, states: Iterable[tuple[FlowRun, State[None]]]) -> None:
    """Set each flow run to its state, a few at a time; but for those that stand otherwise than they were read."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one(run: FlowRun, state: State[None]) -> None:
        async with limit:
            with suppress(ObjectNotFound):  # somebody was quicker
                if (await client.read_flow_run(run.id)).state_id == run.state_id:
                    await client.set_flow_run_state(run.id, state)

    await asyncio.gather(*(one(run, state) for run, state in states))
