"""Make the deployments of this checkout on a Prefect server, each with the id of the ledger it reports by."""

import os
import sys
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import WorkPool
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker
from rich.console import Console

from local.prefect_server import JOBS, POOLS, RECONCILE, prefect_server
from settings import ROOT, Settings
from storage.engine import open_ledger
from storage.identity import ledger_id
from tasks.command import run_command

DEPLOYMENTS = ("docs-job/docs-job", "reconcile-reports/reconcile-reports", "retry-reports/retry-reports")
TYPE = "process"
PREFECT = (sys.executable, "-m", "prefect")
LONGEST = timedelta(minutes=10)
"""How long `prefect deploy` may take; it takes seconds."""


class NotDeployed(ValueError):
    """The deployments were not made; the message says why."""


async def deploy() -> None:
    """Make or renew them. A second call changes nothing, and leaves an operator's own limits of the pools alone.

    Raises:
        NoServer: no Prefect server is named, or it does not answer.
        NotDeployed: a pool is of another type, or `prefect deploy` failed.
        NotUpgraded: a PostgreSQL ledger is not at this version's schema.
    """
    settings = Settings()
    async with prefect_server() as client:
        async with open_ledger(settings.database_url) as ledger, ledger.transaction() as session:
            found = await ledger_id(session)
        for name in POOLS:
            await _have_pool(client, name)
        await _deploy(found)
        await _have_interval(client, settings.interval)
        await _tell(client, Console(), f"ledger {found} ({ledger.place})")


async def _have_pool(client: PrefectClient, name: str) -> None:
    """Make the pool *name*, unless it stands; without a limit, which would count runs that died Running for ever."""
    try:
        pool = await client.read_work_pool(name)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        await client.create_work_pool(WorkPoolCreate(name=name, type=TYPE, base_job_template=template))
        return
    if pool.type != TYPE:
        raise NotDeployed(
            f"the work pool {name} is of type {pool.type}, but jobs run as processes on their worker's machine: "
            f"delete it, and it is made anew as one of type {TYPE}"
        )


async def _deploy(ledger: UUID) -> None:
    """Have Prefect read prefect.yaml, which names the variable that is set here."""
    words: list[str] = []
    ended = await run_command(
        (*PREFECT, "deploy", "--all", "--no-prompt"),
        cwd=ROOT,
        env={**os.environ, "REPORTBACK_LEDGER_ID": str(ledger), "PREFECT_LOGGING_COLORS": "false"},
        timeout=LONGEST,
        on_line=words.append,
    )
    if ended.exit_code != 0:
        raise NotDeployed("\n".join(["`prefect deploy` failed:", *words]))


async def _have_interval(client: PrefectClient, interval: timedelta) -> None:
    """Run the reconciliation every *interval*: Prefect takes none from the environment into prefect.yaml."""
    deployment = await client.read_deployment_by_name("reconcile-reports/reconcile-reports")
    for one in deployment.schedules:
        if _interval(one.schedule) != interval:
            schedule = IntervalSchedule(interval=interval)
            await client.update_deployment_schedule(deployment.id, one.id, schedule=schedule)


async def _tell(client: PrefectClient, console: Console, ledger: str) -> None:
    console.print(f"Deployed from {ROOT} to {client.api_url}, for {ledger}:\n", highlight=False, soft_wrap=True)
    pools = {name: await client.read_work_pool(name) for name in POOLS}
    for name in DEPLOYMENTS:
        deployment = await client.read_deployment_by_name(name)
        every = [_every(one.schedule) for one in deployment.schedules if one.active]
        console.print(
            f"  {name:38}{_pool(pools[deployment.work_pool_name or ''])}{''.join(every)}",
            highlight=False,
            soft_wrap=True,
        )
    console.print(
        "\nStart the workers, with the REPORTBACK_… settings in their environment:\n\n"
        f"  prefect worker start --pool {JOBS}\n"
        f"  prefect worker start --pool {RECONCILE} --limit 2",
        highlight=False,
        soft_wrap=True,
    )


def _pool(pool: WorkPool) -> str:
    return f"{pool.name} (paused: `reportback resume` lets it go on)" if pool.is_paused else pool.name


def _every(schedule: object) -> str:
    interval = _interval(schedule)
    return f", every {interval.total_seconds():g} s" if interval else ""


def _interval(schedule: object) -> timedelta | None:
    return schedule.interval if isinstance(schedule, IntervalSchedule) else None
