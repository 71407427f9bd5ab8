"""Checks Prefect's deployments: there, for this ledger and these job types, not paused, and scheduled."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import DeploymentStatus, StateType
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound

from console.checks.finding import Finding, bad, good, plain_time
from domain.operations.ledger_tag import BadLedgerTag, ledger_named_by
from domain.units import ahead, span
from local.deploy import DEPLOYMENTS, interval_of

NEEDS_SCHEDULE = "reconcile-reports/reconcile-reports"
NEEDS_JOB_TYPES = "docs-job/docs-job"
LATE = 2
"""Intervals after which a pass that has not begun is late."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What deployments have to agree with. None: not known, as the ledger or jobs.toml cannot be read."""

    ledger: UUID | None
    job_types: Collection[str] | None
    interval: timedelta


async def all_of(client: PrefectClient) -> dict[str, DeploymentResponse | None]:
    """Reportback's deployments by name; None: it is not there."""
    return {name: await _or_none(client, name) for name in DEPLOYMENTS}


async def _or_none(client: PrefectClient, name: str) -> DeploymentResponse | None:
    try:
        return await client.read_deployment_by_name(name)
    except ObjectNotFound:
        return None


async def next_pass(client: PrefectClient, one: DeploymentResponse) -> datetime | None:
    """When the next flow run of its schedule was or is to begin. None: none is planned."""
    of_it = FlowRunFilter.model_validate(
        {"deployment_id": {"any_": [one.id]}, "state": {"type": {"any_": [StateType.SCHEDULED]}}}
    )
    found = await client.read_flow_runs(flow_run_filter=of_it, sort=FlowRunSort.EXPECTED_START_TIME_ASC, limit=1)
    planned = found[0].expected_start_time if found else None
    return None if planned is None else plain_time(planned)


def deployed(name: str, one: DeploymentResponse | None, expected: Expected) -> Finding:
    """Whether the deployment exists, is for this installation, and will be run."""
    what = f"deployment {name.partition('/')[2]}"
    if one is None:
        return bad(what, "is not there: run `make deploy`")
    problem = next(_problems(name, one, expected), None)
    return bad(what, problem) if problem else good(what, _words(name, one))


def _problems(name: str, one: DeploymentResponse, expected: Expected) -> Iterator[str]:
    """What is wrong, the most severe first."""
    if one.job_variables:
        yield f"brings job variables ({', '.join(one.job_variables)}): run `make deploy`"
    if one.paused:
        yield f"is paused: let it go on with `prefect api POST /deployments/{one.id}/resume_deployment`"
    if one.work_pool_name is None and one.status is not DeploymentStatus.READY:
        yield "is in no work pool, and the process that served it is gone: run `make up`, or `make deploy`"
    yield from _of_ledger(one, expected.ledger)
    if name == NEEDS_JOB_TYPES and expected.job_types is not None:
        yield from _of_job_types(one, expected.job_types)
    if name == NEEDS_SCHEDULE:
        yield from _of_schedule(one, expected.interval)


def _of_ledger(one: DeploymentResponse, ledger: UUID | None) -> Iterator[str]:
    try:
        named = ledger_named_by(one.tags)
    except BadLedgerTag as error:
        yield f"{error}: run `make deploy`"
        return
    if ledger is not None and named not in (None, ledger):
        yield (
            f"is for ledger {named}, and REPORTBACK_DATABASE_URL here names ledger {ledger}: correct that setting, or "
            "run `make deploy` if this ledger is meant"
        )


def _of_job_types(one: DeploymentResponse, declared: Collection[str]) -> Iterator[str]:
    shown = job_types_of(one)
    missing, gone = sorted(set(declared) - shown), sorted(shown - set(declared))
    if missing or gone:
        words = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"still has {', '.join(gone)}"] * bool(gone)
        yield f"{' and '.join(words)}, unlike jobs.toml: run `make deploy`, so that its form shows what there is"


def job_types_of(one: DeploymentResponse) -> set[str]:
    """The job types that the deployment's form shows."""
    schema = one.parameter_openapi_schema or {}
    named = (schema.get("definitions") or {}).get("JobName") or {}  # the enum of flows/job_types.py
    return set(named.get("enum") or [])


def _of_schedule(one: DeploymentResponse, interval: timedelta) -> Iterator[str]:
    every = [interval_of(schedule.schedule) for schedule in one.schedules if schedule.active]
    if not every:
        yield "has no active schedule: run `make deploy`"
    elif interval not in every:
        yield f"is scheduled every {every[0]}, and REPORTBACK_INTERVAL here is {interval}: run `make deploy`"


def _words(name: str, one: DeploymentResponse) -> str:
    every = [
        f", every {span(schedule.schedule.interval)}"
        for schedule in one.schedules
        if schedule.active and isinstance(schedule.schedule, IntervalSchedule)
    ]
    served = "is served by a process" if one.work_pool_name is None else "is there"
    return served + ("".join(every) if name == NEEDS_SCHEDULE else "")


def on_time(planned: datetime | None, now: datetime, interval: timedelta) -> Finding:
    """Whether the next pass is planned, and not late."""
    what = "next pass"
    if planned is None:
        return bad(
            what, "none is planned, though there is a schedule: restart Prefect's server, whose scheduler is dead"
        )
    if now - planned > LATE * interval:
        return bad(
            what,
            f"the one that was due {span(now - planned)} ago has not begun: its pool is paused, or no worker takes it "
            "(see above); `reportback reconcile` does a pass now",
        )
    return good(what, f"{ahead(planned, now)}" if planned > now else "due now")
