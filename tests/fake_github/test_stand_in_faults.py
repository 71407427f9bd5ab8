"""Each fault on a real socket: what a client sees, and what the stand-in then holds."""

import gzip
import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from stand_in_rig import client_of
from waiting import LONGEST, until

from fake_github.api import BLANKS
from fake_github.exchange import Json
from fake_github.faults import Kind
from fake_github.process import StandIn, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

_numbers = itertools.count(1)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stand_in() -> AsyncIterator[StandIn]:
    """One for all these tests: each uses a commit of its own."""
    async with running() as stand_in:
        yield stand_in


@pytest_asyncio.fixture(loop_scope="module")
async def client(stand_in: StandIn) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(stand_in.url) as client:
        yield client
    await stand_in.clear()


class Commit:
    """A commit that no other test uses."""

    def __init__(self, client: httpx.AsyncClient, stand_in: StandIn) -> None:
        self.client = client
        self.stand_in = stand_in
        self.sha = f"{next(_numbers):040x}"
        self.path = f"/repos/octo/docs/statuses/{self.sha}"

    async def post(self, context: str = "docs/build", **options: float) -> httpx.Response:
        body = {"state": "success", "context": context}
        return await self.client.post(self.path, json=body, **options)  # type: ignore[arg-type] # only a timeout

    async def read(self) -> int:
        return len((await self.client.get(f"/repos/octo/docs/commits/{self.sha}/statuses")).json())

    async def held(self) -> int:
        return sum(status["sha"] == self.sha for status in await self.stand_in.statuses())

    async def holds_one(self) -> bool:
        return await self.held() == 1

    async def has_come(self) -> bool:
        return any(request["path"] == self.path for request in await self.stand_in.requests())

    async def seen(self) -> Json:
        """Its only request."""
        (seen,) = [one for one in await self.stand_in.requests() if one["path"] == self.path]
        return seen

    @staticmethod
    def stored_after(seen: Json) -> float:
        """Seconds by the stand-in's clock between a request and the storing of its status."""
        came, stored = (datetime.fromisoformat(str(seen[name])) for name in ("at", "stored_at"))
        return (stored - came).total_seconds()


@pytest.fixture
def commit(client: httpx.AsyncClient, stand_in: StandIn) -> Commit:
    return Commit(client, stand_in)


BEFORE_AND_AFTER = pytest.mark.parametrize(("where", "stored"), [("before", 0), ("after", 1)])


@BEFORE_AND_AFTER
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("close", httpx.RemoteProtocolError),
        ("reset", httpx.ReadError),
        ("truncate", httpx.RemoteProtocolError),
        ("hang", httpx.ReadTimeout),
    ],
)
async def test_a_reply_is_lost(
    commit: Commit, stand_in: StandIn, *, kind: str, error: type[httpx.TransportError], where: str, stored: int
) -> None:
    await stand_in.fault(kind, where=where)
    with pytest.raises(error) as raised:
        await commit.post(timeout=0.3 if kind == "hang" else LONGEST)
    assert type(raised.value) is error
    await until(commit.has_come)
    assert await commit.held() == stored
    assert (await commit.post()).status_code == 201


REPLIES = [
    ("server_error", {}, 502, "Server Error", {}),
    ("server_error", {"status": 500}, 500, "Server Error", {}),
    ("server_error", {"status": 503}, 503, "No server is currently available", {}),
    ("html", {}, 502, "Unicorn!", {"content-type": "text/html; charset=utf-8"}),
    ("primary_limit", {}, 403, "API rate limit exceeded", {"x-ratelimit-remaining": "0"}),
    ("primary_limit", {"status": 429}, 429, "API rate limit exceeded", {"x-ratelimit-remaining": "0"}),
    ("secondary_limit", {}, 403, "You have exceeded a secondary rate limit", {"retry-after": None}),
    ("secondary_limit", {"seconds": 7}, 403, "secondary rate limit", {"retry-after": "7"}),
    ("secondary_limit", {"status": 429, "seconds": 7}, 429, "secondary rate limit", {"retry-after": "7"}),
    ("abuse_limit", {}, 403, "abuse detection mechanism", {"retry-after": None}),
    ("abuse_limit", {"seconds": 7}, 403, "abuse detection mechanism", {"retry-after": "7"}),
    ("login_attempts", {}, 403, "Maximum number of login attempts exceeded", {}),
    ("bad_credentials", {}, 401, "Bad credentials", {}),
    (
        "forbidden",
        {},
        403,
        "Resource not accessible by integration",
        {"x-accepted-github-permissions": "statuses=write"},
    ),
    ("archived", {}, 403, "Repository was archived so is read-only.", {}),
    (
        "sso",
        {},
        403,
        "SAML",
        {"x-github-sso": "required; url=https://github.com/orgs/acme/sso?authorization_request=AAAA"},
    ),
    ("blocked", {}, 451, '"reason": "dmca"', {}),
    ("blocked", {"status": 403}, 403, '"reason": "tos"', {}),
    ("not_found", {}, 404, "Not Found", {}),
    ("gone", {}, 410, "no longer supported", {}),
    ("no_such_commit", {}, 422, "No commit found for SHA: 0", {}),
    ("too_many", {}, 422, "reached the maximum number of statuses", {}),
    ("odd_success", {}, 202, '"context": "docs/build"', {}),
    ("odd_success", {"status": 200}, 200, '"context": "docs/build"', {}),
    ("foreign", {}, 201, '"context": "somebody/else"', {}),
    ("redirect", {}, 307, "Moved Permanently", {}),
    ("redirect", {"status": 301}, 301, "Moved Permanently", {}),
    ("redirect", {"location": "http://other.test/x"}, 307, "http://other.test/x", {"location": "http://other.test/x"}),
    ("intermediary", {}, 403, "Access denied", {"x-github-request-id": None, "x-ratelimit-limit": None}),
    ("intermediary", {"status": 302, "location": "http://portal.test/"}, 302, "", {"location": "http://portal.test/"}),
    ("intermediary", {"status": 429, "headers": {"retry-after": "7"}}, 429, "Access denied", {"retry-after": "7"}),
    ("inner_links", {}, 201, '"context": "docs/build"', {}),
    ("answer", {"status": 418, "body": {"a": [1]}, "headers": {"x-more": "yes"}}, 418, '{"a": [1]}', {"x-more": "yes"}),
    ("answer", {"status": 201, "body": "<p>"}, 201, "<p>", {"content-type": "text/html; charset=utf-8"}),
]


@BEFORE_AND_AFTER
@pytest.mark.parametrize(("kind", "fields", "status", "text", "headers"), REPLIES)
async def test_another_reply_comes(
    commit: Commit,
    stand_in: StandIn,
    *,
    kind: str,
    fields: dict[str, object],
    status: int,
    text: str,
    headers: dict[str, str | None],
    where: str,
    stored: int,
) -> None:
    await stand_in.fault(kind, where=where, **fields)
    response = await commit.post()
    assert response.status_code == status
    assert text in response.text
    assert {name: response.headers.get(name) for name in headers} == headers
    assert ("x-github-request-id" in response.headers) is (kind != "intermediary")
    assert await commit.held() == stored
    assert (await commit.post()).status_code == 201


async def test_a_bomb_is_small_until_it_is_taken_apart(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("bomb", where="after")
    asked = commit.client.stream("POST", commit.path, json={"state": "success", "context": "docs/build"})
    async with asked as reply:
        wire = b"".join([part async for part in reply.aiter_raw()])
    body = gzip.decompress(gzip.decompress(wire))
    assert (reply.status_code, reply.headers["content-encoding"]) == (201, "gzip, gzip")
    assert len(wire) < 4096 < BLANKS < len(body)
    assert json.loads(body)["context"] == "docs/build"
    assert await commit.held() == 1


async def test_the_tests_above_and_below_know_every_kind() -> None:
    elsewhere = {"close", "reset", "truncate", "hang", "drip", "lag", "bomb"}
    assert {kind for kind, *_ in REPLIES} | elsewhere == set(Kind)


async def test_pages_may_be_linked_on_an_inner_host(commit: Commit, stand_in: StandIn) -> None:
    for _ in range(2):
        await commit.post()
    await stand_in.fault("inner_links", method="GET", location="https://inner.test")
    response = await commit.client.get(f"/repos/octo/docs/commits/{commit.sha}/statuses?per_page=1")
    assert response.links["next"]["url"].startswith("https://inner.test/repositories/")


async def test_a_primary_limit_resets_at_the_given_time(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("primary_limit", seconds=100)
    response = await commit.post()
    came = datetime.fromisoformat(str((await commit.seen())["at"]))
    assert datetime.fromtimestamp(int(response.headers["x-ratelimit-reset"]) - 100, UTC) - came < timedelta(seconds=2)


@pytest.mark.parametrize(("status", "created"), [(301, False), (307, True)])
async def test_a_redirect_leads_to_the_numbered_routes_of_this_host(
    commit: Commit, stand_in: StandIn, status: int, *, created: bool
) -> None:
    await stand_in.fault("redirect", status=status, times=0)
    body = {"state": "success"}
    response = await commit.client.post(commit.path, json=body, follow_redirects=True)
    assert "/repositories/" in response.request.url.path
    assert response.status_code == (201 if created else 200)  # httpx makes a GET of a POST answered 301
    assert await commit.held() == int(created)


async def test_a_read_is_redirected_by_301(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("redirect", method="GET")
    response = await commit.client.get(f"/repos/octo/docs/commits/{commit.sha}/statuses?per_page=5")
    assert response.status_code == 301
    assert (await commit.client.get(response.headers["location"])).json() == []


@pytest.mark.parametrize("kind", ["server_error", "close"])
async def test_a_status_can_be_stored_after_the_request_was_given_up(
    commit: Commit, stand_in: StandIn, kind: str
) -> None:
    await stand_in.fault(kind, stored_after=0.4)
    try:
        assert (await commit.post()).status_code == 502
    except httpx.RemoteProtocolError:
        assert kind == "close"
    await until(commit.holds_one)
    seen = await commit.seen()
    assert (seen["fault"], seen["answered"]) == (kind, 502 if kind == "server_error" else None)
    assert commit.stored_after(seen) == 0.4


async def test_a_hang_before_storing_stores_when_it_ends_though_the_client_is_gone(
    commit: Commit, stand_in: StandIn
) -> None:
    await stand_in.fault("hang", seconds=1)
    with pytest.raises(httpx.ReadTimeout):
        await commit.post(timeout=0.1)
    await until(commit.holds_one)
    assert commit.stored_after(await commit.seen()) == 1


@BEFORE_AND_AFTER
async def test_a_hang_that_is_waited_for_ends_in_the_real_reply(
    commit: Commit, stand_in: StandIn, where: str, stored: int
) -> None:
    await stand_in.fault("hang", where=where, seconds=0.3)
    assert (await commit.post()).status_code == 201
    assert await commit.held() == 1
    assert commit.stored_after(await commit.seen()) == (0 if stored else 0.3)


async def test_a_dripping_reply_outlives_the_read_timeout(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("drip", seconds=2)
    response = await commit.post(timeout=1.5)
    assert response.json()["context"] == "docs/build"


async def test_reads_can_lag_behind_what_is_held(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("lag", seconds=60, times=2)
    await commit.post()
    assert [await commit.held(), await commit.read(), await commit.read(), await commit.read()] == [1, 0, 0, 1]


async def test_a_fault_strikes_only_what_it_names(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("server_error", context="DOCS/build", sha=commit.sha, repository="Octo/docs")
    assert (await commit.post("docs/other")).status_code == 201
    assert (await commit.client.post(commit.path.replace("octo", "duo"), json={"state": "success"})).status_code == 201
    assert await commit.read() == 1
    assert (await commit.post()).status_code == 502


async def test_faults_strike_in_order_and_a_given_number_of_times(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("server_error", status=500, times=2)
    await stand_in.fault("not_found", times=0, method="*")
    assert [(await commit.post()).status_code for _ in range(4)] == [500, 500, 404, 404]
    assert (await commit.client.get(commit.path)).status_code == 404
    await stand_in.clear()
    assert (await commit.post()).status_code == 201


async def test_the_faults_to_come_can_be_listed(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("server_error", times=3)
    await commit.post()
    (fault,) = (await commit.client.get("/_stand_in/faults")).json()
    assert (fault["kind"], fault["times"]) == ("server_error", 2)


@pytest.mark.parametrize("fields", [{"kind": "odd"}, {"kind": "close", "odd": 1}, {"kind": "close", "where": "later"}])
async def test_a_mistaken_fault_is_refused(stand_in: StandIn, fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"errors"):
        await stand_in.fault(**fields)


async def test_every_request_is_remembered_without_its_credential(commit: Commit, stand_in: StandIn) -> None:
    response = await commit.post()
    (seen,) = [one for one in await stand_in.requests() if one["path"] == commit.path]
    assert (seen["method"], seen["context"], seen["answered"]) == ("POST", "docs/build", 201)
    assert seen["stored_id"] == response.json()["id"]
    assert "Bearer" not in str(seen)


async def test_a_connection_is_kept_after_a_faulty_reply(commit: Commit, stand_in: StandIn) -> None:
    await stand_in.fault("server_error")
    first = await commit.post()
    second = await commit.post()
    streams = [response.extensions["network_stream"] for response in (first, second)]
    assert streams[0].get_extra_info("client_addr") == streams[1].get_extra_info("client_addr")
