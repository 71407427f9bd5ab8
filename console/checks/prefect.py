"""Prefect: that its server answers and has our deployments, for this ledger."""

from pathlib import Path

from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, PREFECT_PROFILES_PATH

from console.checks.finding import Finding, bad, good
from local.deploy import DEPLOYMENTS
from local.prefect_server import NoServer, prefect_server

DATABASE = "prefect.db"
"""Of a server on SQLite, in its PREFECT_HOME: https://docs.prefect.io/v3/api-ref/settings-ref"""

NEEDS_SCHEDULE = "reconcile-reports/reconcile-reports"


async def check() -> list[Finding]:
    """What there is to say of the server and of each deployment."""
    found: dict[str, DeploymentResponse | None] = {}
    try:
        async with prefect_server() as client:
            for name in DEPLOYMENTS:
                try:
                    found[name] = await client.read_deployment_by_name(name)
                except ObjectNotFound:
                    found[name] = None
            url = str(client.api_url)
    except NoServer as error:
        return [bad("Prefect", str(error))]
    return [good("Prefect", f"{url} answers"), *(deployed(name, one) for name, one in found.items())]


def address() -> str | None:
    """The API's, as far as one is named."""
    url: str | None = PREFECT_API_URL.value()
    return url


def own_files() -> list[Path]:
    """Where Prefect keeps keys and secrets on this machine."""
    return [Path(PREFECT_PROFILES_PATH.value()), Path(PREFECT_HOME.value()) / DATABASE]


def deployed(name: str, one: DeploymentResponse | None) -> Finding:
    """Whether the deployment is there, and will be run."""
    what = f"deployment {name.partition('/')[2]}"
    if one is None:
        return bad(what, "is not there: run `make deploy`")
    if one.paused:
        return bad(what, f"is paused: let it go on with `prefect deployment resume {name}`")
    if name == NEEDS_SCHEDULE and not any(schedule.active for schedule in one.schedules):
        return bad(what, "has no active schedule: run `make deploy`")
    return good(what, "is there")
