"""Creates or updates this checkout's deployments on a Prefect server, each with the id of its ledger."""

import os
import sys
from datetime import timedelta

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import VariableCreate, VariableUpdate
from prefect.client.schemas.objects import WorkPool
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.settings import PREFECT_UI_URL

from console.ledger import opened
from console.refusals.door import checked_settings, checked_types
from console.terminal import stdout_console
from domain.addresses import without_user
from domain.operations.status_page import address
from local.prefect_server import prefect_server
from local.work_pools import JOBS, JOBS_AT_ONCE, POOLS, RECONCILE, NotDeployed, close_pool
from settings import ROOT
from storage.identity import ledger_id
from tasks.jobs.accept import own_page
from tasks.process.command import run_command

DEPLOYMENTS = ("docs-job/docs-job", "reconcile-reports/reconcile-reports", "retry-reports/retry-reports")
PREFECT = (sys.executable, "-m", "prefect")
LONGEST = timedelta(minutes=10)
"""How long `prefect deploy` may take; it takes seconds."""

LEDGER = "reportback_ledger_id"
"""The Prefect variable that prefect.yaml tags the deployments with."""


async def deploy() -> None:
    """Create or update the deployments of this checkout on the Prefect server that PREFECT_API_URL names.

    Raises:
        BadInput, BadJobsFile: a setting or a line of the job types is wrong.
        NoServer: no Prefect server is named, or it does not answer.
        NotDeployed: a pool is of another type, or `prefect deploy` failed.
        NotUpgraded: a PostgreSQL ledger is not at this version's schema.
    """
    settings = checked_settings()  # a second call changes nothing; limits of the pools are kept
    checked_types(settings, settings.jobs_file)
    async with prefect_server() as client:
        async with opened(settings) as ledger:
            found = await ledger.read(ledger_id)
        await _set_variable(client, str(found))
        for name in POOLS:
            await close_pool(client, name)
        await _deploy()
        await _set_interval(client, settings.interval)
        await _print_summary(client, f"ledger {found} ({ledger.place})")


async def _set_variable(client: PrefectClient, ledger: str) -> None:
    """Store the ledger's id on Prefect's server, so that a plain `prefect deploy` tags the deployments with it."""
    known = await client.read_variable_by_name(LEDGER)
    if known is None:
        await client.create_variable(VariableCreate(name=LEDGER, value=ledger))
    elif known.value != ledger:
        await client.update_variable(VariableUpdate(name=LEDGER, value=ledger))


async def _deploy() -> None:
    """Run `prefect deploy` for prefect.yaml."""
    words: list[str] = []
    ended = await run_command(
        (*PREFECT, "deploy", "--all", "--no-prompt"),
        cwd=ROOT,
        env={**os.environ, "PREFECT_LOGGING_COLORS": "false"},
        timeout=LONGEST,
        on_line=words.append,
    )
    if ended.exit_code != 0:
        raise NotDeployed("\n".join(["`prefect deploy` failed:", *words]))


async def _set_interval(client: PrefectClient, interval: timedelta) -> None:
    """Set the reconciliation's interval: prefect.yaml can take none from a variable or the environment."""
    deployment = await client.read_deployment_by_name("reconcile-reports/reconcile-reports")
    for one in deployment.schedules:
        if interval_of(one.schedule) != interval:
            schedule = IntervalSchedule(interval=interval)
            await client.update_deployment_schedule(deployment.id, one.id, schedule=schedule)


async def _print_summary(client: PrefectClient, ledger: str) -> None:
    console = stdout_console()
    console.print(f"Deployed from {ROOT} to {without_user(str(client.api_url))}, for {ledger}:\n")
    pools = {name: await client.read_work_pool(name) for name in POOLS}
    for name in DEPLOYMENTS:
        deployment = await client.read_deployment_by_name(name)
        every = [_every(one.schedule) for one in deployment.schedules if one.active]
        console.print(f"  {name:38}{_pool(pools[deployment.work_pool_name or ''])}{''.join(every)}")
    console.print(
        "\nThe deployments are those of `prefect deploy --all`. Beside that, both pools were closed, the ledger's id "
        f"was stored in the variable {LEDGER}, and the interval was set."
    )
    if ui_url := own_page(PREFECT_UI_URL.value()):
        console.print(f"What is undelivered, and why, once the reconciliation has run: {address(ui_url)}")
    console.print(
        "\nStart the workers, with the REPORTBACK_… settings in their environment:\n\n"
        f"  prefect worker start --pool {JOBS} --limit {JOBS_AT_ONCE}\n"
        f"  prefect worker start --pool {RECONCILE} --limit 2"
    )


def _pool(pool: WorkPool) -> str:
    return f"{pool.name} (paused: `reportback resume` lets it go on)" if pool.is_paused else pool.name


def _every(schedule: object) -> str:
    interval = interval_of(schedule)
    return f", every {interval.total_seconds():g} s" if interval else ""


def interval_of(schedule: object) -> timedelta | None:
    """The interval of a deployment's schedule; None: it is of another kind."""
    return schedule.interval if isinstance(schedule, IntervalSchedule) else None
