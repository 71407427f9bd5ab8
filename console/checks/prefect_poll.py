"""Checks that Prefect's server answers its workers' polls, and what to do where one stored text makes it fail."""

from http import HTTPStatus

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import PrefectHTTPStatusError

from console.checks.finding import Finding, bad, good
from local.work_pools import POOLS

WHAT = "Prefect's poll"

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


async def poll(client: PrefectClient) -> Finding:
    """Whether the server answers a worker's poll. Only reads: no flow run is taken on."""
    try:
        for name in POOLS:
            await client.get_scheduled_flow_runs_for_work_pool(name)
    except PrefectHTTPStatusError as error:
        if error.response.status_code != HTTPStatus.INTERNAL_SERVER_ERROR:
            return bad(WHAT, f"is answered {error.response.status_code}: run `make deploy`")
        return bad(
            WHAT,
            "is answered 500, so no worker gets work. If the server's log has UnicodeEncodeError, half of an emoji "
            "stands in a flow run's parameters; in `sqlite3 PREFECT_HOME/prefect.db`, this removes that flow run and "
            f"no other:\n{REMEDY}",
        )
    return good(WHAT, "is answered")
