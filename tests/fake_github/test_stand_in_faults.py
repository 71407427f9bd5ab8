"""Each fault on a real socket: what a client sees, and what the stand-in then holds."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from stand_in_rig import BEFORE_AND_AFTER, Commit
from waiting import LONGEST, until

from fake_github.api import BLANKS
from fake_github.faults import Kind
from fake_github.process import StandIn

pytestmark = pytest.mark.asyncio(loop_scope="module")


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


async def test_the_tests_of_faults_know_every_kind() -> None:
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
