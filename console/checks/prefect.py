"""Checks Prefect: its server and its password, the pools with their workers, and our deployments."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_HOME, PREFECT_PROFILES_PATH

from console.checks import deployments, work_pools
from console.checks.deployments import NEEDS_SCHEDULE, Expected
from console.checks.finding import Finding, bad, good
from domain.addresses import is_this_machine, without_user
from github_api.certificates import BadCertificates
from local.no_server import NoServer
from local.prefect_server import prefect_server
from local.work_pools import POOLS
from settings import Settings
from tasks.operations.require_password import asks_for_a_password

DATABASE = "prefect.db"
"""The database of a server on SQLite, in its PREFECT_HOME: https://docs.prefect.io/v3/api-ref/settings-ref"""

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


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings, and the names of the workers that are online; None: the server could not be asked."""

    findings: Sequence[Finding]
    online: Collection[str] | None


async def check(settings: Settings, expected: Expected) -> Checked:
    """Check the server, its pools with their workers, and each deployment."""
    now = datetime.now(UTC)
    try:
        async with prefect_server() as client:
            made = await deployments.all_of(client)
            pools = [await work_pools.check(client, name, now) for name in _pools(made.values())]
            polled = [await poll(client)] if pools and not _is_missing(pools) else []
            on_time = await _next_pass(client, made[NEEDS_SCHEDULE], now, settings.interval)
            url = without_user(str(client.api_url))
    except NoServer as error:
        return Checked([bad("Prefect", str(error))], None)
    found = [
        good("Prefect", f"{url} answers"),
        await password(url, is_at_stake=_is_at_stake(settings)),
        *polled,
        *(finding for found, _ in pools for finding in found),
        *(deployments.deployed(name, one, expected) for name, one in made.items()),
        *on_time,
    ]
    return Checked(found, {worker.name for _, workers in pools for worker in workers})


def _pools(made: Iterable[DeploymentResponse | None]) -> Sequence[str]:
    """The pools to check: none where every deployment is served by a process, as `make up` does."""
    return () if all(one is not None and one.work_pool_name is None for one in made) else POOLS


def _is_missing(pools: Iterable[tuple[Sequence[Finding], object]]) -> bool:
    return any("is not there" in finding.words for found, _ in pools for finding in found)


async def _next_pass(
    client: PrefectClient, one: DeploymentResponse | None, now: datetime, interval: timedelta
) -> list[Finding]:
    if one is None or one.paused or not any(schedule.active for schedule in one.schedules):
        return []  # a finding of its own
    return [deployments.on_time(await deployments.next_pass(client, one), now, interval)]


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


def home() -> Path:
    """Prefect's own folder on this machine."""
    return Path(PREFECT_HOME.value())


def own_files() -> list[Path]:
    """The files in which Prefect keeps keys and secrets on this machine."""
    return [Path(PREFECT_PROFILES_PATH.value()), home() / DATABASE]
