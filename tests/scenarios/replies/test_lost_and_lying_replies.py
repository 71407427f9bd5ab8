"""Lost, late and lying replies on real sockets: GitHub holds one status, and no older one covers it.

The cases of a table run concurrently, each on a commit of its own: they mostly wait.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from full import thinned
from ledger_jobs import accept, begin, end, order
from scaled import GITHUB_WORKS, READS_LAG, Wire, new_commit, seconds

from domain.delivery.report import Phase
from fake_github.exchange import Json

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"])
TIMEOUT = 15
"""Seconds after which the client gives up."""


@dataclass(frozen=True, slots=True)
class Case:
    """What befalls a request: the fault's kind and fields, and whether the status is stored all the same."""

    kind: str
    stored: bool
    fields: Json


def case(kind: str, *, stored: bool, **fields: object) -> Case:
    return Case(kind, stored, {"where": "after" if stored and "stored_after" not in fields else "before", **fields})


LIES: dict[str, tuple[str, Json]] = {
    "closed": ("close", {}),
    "reset": ("reset", {}),
    "closed within the reply": ("truncate", {}),
    "hung up to the deadline": ("hang", {}),
    "500": ("server_error", {"status": 500}),
    "502": ("server_error", {"status": 502}),
    "503": ("server_error", {"status": 503}),
    "504": ("server_error", {"status": 504}),
    "a page instead of an error": ("html", {}),
    "201, truncated": ("answer", {"status": 201, "body": '{"id": 7, "context": "docs/sph'}),
    "201, a page": ("html", {"status": 201}),
    "201, empty": ("answer", {"status": 201, "body": ""}),
    "201 for another status": ("foreign", {}),
    "compressed": ("bomb", {}),
    "200": ("odd_success", {"status": 200}),
    "202": ("odd_success", {"status": 202}),
}
LATE = {
    "closed, stored late": case("close", stored=True, stored_after=GITHUB_WORKS),
    "502, stored late": case("server_error", stored=True, stored_after=GITHUB_WORKS),
    "hung, stored after the client gave up": case("hang", stored=True, stored_after=TIMEOUT + GITHUB_WORKS),
}
CASES: dict[str, Case] = {
    **{
        f"{name}, {'stored' if stored else 'not stored'}": case(kind, stored=stored, **fields)
        for (name, (kind, fields)), stored in thinned(LIES.items(), (True, False))
    },
    "dripped past the deadline": case("drip", stored=True, seconds=2 * TIMEOUT),
    **LATE,
}
READS = 5
"""Most reads that a request in doubt may cost."""


async def together(cases: dict[str, Case], play: Callable[[Case, str], Awaitable[object]]) -> dict[str, str]:
    """Play all cases at once; the commit of each."""
    commits = {name: new_commit() for name in cases}
    await asyncio.gather(*(play(one, commits[name]) for name, one in cases.items()))
    return commits


@ON_SQLITE
async def test_every_fate_of_a_reply_makes_one_status(wire: Wire) -> None:
    """As many requests as statuses, and those that were lost before anything was stored."""

    async def play(one: Case, sha: str) -> None:
        await wire.fault(sha, one.kind, **one.fields)
        await wire.job(sha)
        assert await wire.deliver_until_settled(sha) is Phase.DELIVERED

    commits = await together(CASES, play)
    held, posts, reads = await wire.all_held(), await wire.asked("POST"), await wire.asked("GET")
    assert {name: held[sha] for name, sha in commits.items()} == {name: ["success"] for name in CASES}
    assert {name: posts[sha] for name, sha in commits.items()} == {
        name: 1 if one.stored else 2 for name, one in CASES.items()
    }
    assert all(1 <= reads[sha] <= READS for sha in commits.values()), reads
    lost = sum(not one.stored for one in CASES.values())
    told = f"POSTs / statuses: {posts.total()}/{len(CASES)}, {lost} of them lost before anything was stored; "
    print(f"{told}GETs / reports, every POST in doubt: {reads.total()}/{len(CASES)}")  # noqa: T201  # shown by -rP


@ON_SQLITE
async def test_while_reads_lag_a_status_stored_late_is_not_doubled(wire: Wire) -> None:
    """The latest that GitHub may store a request that was given up, and the longest that its reads may not show it."""

    async def play(one: Case, sha: str) -> None:
        await wire.fault(sha, one.kind, **one.fields)
        await wire.fault(sha, "lag", seconds=READS_LAG, times=0)
        await wire.job(sha)
        while await wire.deliver(sha) is not Phase.DELIVERED:
            await seconds(1)

    commits = await together(LATE, play)
    held, posts = await wire.all_held(), await wire.asked("POST")
    assert {name: (held[sha], posts[sha]) for name, sha in commits.items()} == dict.fromkeys(LATE, (["success"], 1))


@ON_SQLITE
async def test_a_pending_whose_reply_is_lost_never_covers_its_outcome(wire: Wire) -> None:
    """The job ends while its `pending` is in doubt."""
    cases = {
        name: one for name, one in CASES.items() if name in LATE or name.startswith(("closed,", "hung", "201, a p"))
    }

    async def play(one: Case, sha: str) -> None:
        await wire.fault(sha, one.kind, state="pending", **one.fields)
        execution = await accept(wire.ledger, order(sha=sha))
        await wire.deliver(sha)
        await begin(wire.ledger, execution)
        await end(wire.ledger, execution)
        while await wire.deliver(sha) is not Phase.DELIVERED:
            await seconds(2)
        await seconds(READS_LAG)

    commits = await together(cases, play)
    held = await wire.all_held()
    assert {name: held[sha] for name, sha in commits.items()} == {
        name: ["pending", "success"] if one.stored else ["success"] for name, one in cases.items()
    }
