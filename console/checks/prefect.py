"""Checks Prefect: that its server answers, requires a password, and has our deployments in closed pools."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import WorkPool
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.settings import PREFECT_HOME, PREFECT_PROFILES_PATH

from console.checks.finding import Finding, bad, good
from domain.addresses import is_this_machine, without_user
from github_api.certificates import BadCertificates
from local.deploy import DEPLOYMENTS
from local.prefect_server import NoServer, prefect_server
from local.work_pools import CLOSED, POOLS
from settings import Settings
from tasks.operations.require_password import asks_for_a_password

DATABASE = "prefect.db"
"""The database of a server on SQLite, in its PREFECT_HOME: https://docs.prefect.io/v3/api-ref/settings-ref"""

NEEDS_SCHEDULE = "reconcile-reports/reconcile-reports"

_HIGH, _LOW = r"\u[dD][89abAB]??", r"\u[dD][c-fC-F]??"
_LONE = [
    *(f"*{_HIGH}{no_low}*" for no_low in (r"[^\]", r"\[^u]", r"\u[^dD]", r"\u[dD][^c-fC-F]")),
    *(f"*{no_high}{_LOW}*" for no_high in (
        r"[^\]?????", r"[^u]????", r"[^dD]???", r"[^89abAB]??", r"[^0-9a-fA-F]?", r"[^0-9a-fA-F]",
    )),
]  # fmt: skip
"""Patterns of half a surrogate pair in JSON: one half without the escape of the other beside it."""

_MATCHES = " OR ".join(f"given GLOB '{pattern}'" for pattern in _LONE)

WITH_HALF_A_PAIR = (
    rf"SELECT id FROM (SELECT id, replace(parameters, '\\', '  ') AS given FROM flow_run) WHERE {_MATCHES}"  # noqa: S608  # our own words
)
"""The flow runs whose parameters hold half a surrogate pair, on SQLite. A whole emoji is two halves side by side; two
backslashes are a backslash, and begin no escape."""

REMEDY = f"PRAGMA foreign_keys = ON; DELETE FROM flow_run WHERE id IN ({WITH_HALF_A_PAIR});"  # noqa: S608  # the same

T = TypeVar("T")


async def check(settings: Settings) -> list[Finding]:
    """Findings about the server, its pools and each deployment."""
    try:
        async with prefect_server() as client:
            pools = {name: await _or_none(client.read_work_pool, name) for name in POOLS}
            made = {name: await _or_none(client.read_deployment_by_name, name) for name in DEPLOYMENTS}
            polled = await poll(client) if all(pools.values()) else None
            url = without_user(str(client.api_url))
    except NoServer as error:
        return [bad("Prefect", str(error))]
    return [
        good("Prefect", f"{url} answers"),
        await password(url, is_at_stake=_is_at_stake(settings)),
        *([polled] if polled else []),
        *(closed(name, pool) for name, pool in pools.items()),
        *(deployed(name, one) for name, one in made.items()),
    ]


async def poll(client: PrefectClient) -> Finding:
    """Whether the server answers a worker's poll. Only reads: no flow run is taken on."""
    what = "Prefect's poll"
    try:
        for name in POOLS:
            await client.get_scheduled_flow_runs_for_work_pool(name)
    except PrefectHTTPStatusError as error:
        if error.response.status_code != HTTPStatus.INTERNAL_SERVER_ERROR:
            return bad(what, f"is answered {error.response.status_code}: run `make deploy`")
        return bad(
            what,
            "is answered 500, so no worker gets work. If the server's log has UnicodeEncodeError, half of an emoji "
            "stands in a flow run's parameters; in `sqlite3 PREFECT_HOME/prefect.db`, this removes that flow run and "
            f"no other:\n{REMEDY}",
        )
    return good(what, "is answered")


async def _or_none(read: Callable[[str], Awaitable[T]], name: str) -> T | None:
    try:
        return await read(name)
    except ObjectNotFound:
        return None


def _is_at_stake(settings: Settings) -> bool:
    """Whether the API gives access to something worth a password: a real GitHub's token, or untrusted jobs."""
    return settings.job_user is not None or not is_this_machine(settings.github_api_url.host or "")


async def password(api_url: str, *, is_at_stake: bool) -> Finding:
    """Whether Prefect's API, through which a caller becomes the user of the worker, asks for a password."""
    what = "Prefect's password"
    try:
        if await asks_for_a_password(api_url):
            return good(what, "is asked for")
    except BadCertificates as error:
        return bad(what, f"not checked: {error}")
    except httpx.HTTPError as error:
        return bad(what, f"not checked: {api_url} cannot be reached: {type(error).__name__}")
    if not is_at_stake:
        return good(what, "is not asked for; neither a real GitHub nor job users are set up here")
    return bad(
        what,
        f"{api_url} asks for none, and a caller that may write there acts as the worker's user: set "
        "PREFECT_SERVER_API_AUTH_STRING for the server, and PREFECT_API_AUTH_STRING for workers and people",
    )


def closed(name: str, pool: WorkPool | None) -> Finding:
    """Whether the pool is there, and takes no command or environment from a flow run."""
    what = f"work pool {name}"
    if pool is None:
        return bad(what, "is not there: run `make deploy`")
    if pool.base_job_template != CLOSED:
        return bad(what, "is open: a flow run can bring a command or an environment of its own; run `make deploy`")
    return good(what, "is closed: flow runs bring no command and no environment")


def own_files() -> list[Path]:
    """The files in which Prefect keeps keys and secrets on this machine."""
    return [Path(PREFECT_PROFILES_PATH.value()), Path(PREFECT_HOME.value()) / DATABASE]


def deployed(name: str, one: DeploymentResponse | None) -> Finding:
    """Whether the deployment exists, and will be run."""
    what = f"deployment {name.partition('/')[2]}"
    if one is None:
        return bad(what, "is not there: run `make deploy`")
    if one.job_variables:
        return bad(what, f"brings job variables ({', '.join(one.job_variables)}): run `make deploy`")
    if one.paused:
        return bad(what, f"is paused: let it go on with `prefect deployment resume {name}`")
    if name == NEEDS_SCHEDULE and not any(schedule.active for schedule in one.schedules):
        return bad(what, "has no active schedule: run `make deploy`")
    return good(what, "is there")
