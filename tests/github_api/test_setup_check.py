"""Read-only requests to GitHub for diagnosis, and what their answers mean."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import respx

from github_api.setup_check import Answer, Diagnostics, NoResponse

API = "https://api.github.com"
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
DATE = {"date": "Fri, 01 May 2026 12:00:07 GMT"}
TOKEN = "ghp_notASecretButLikeOne0000000000000000"


@pytest.fixture
async def github() -> AsyncIterator[Diagnostics]:
    async with Diagnostics(API, timedelta(seconds=5), lambda: NOW) as client:
        yield client


async def test_the_limits_are_read_with_or_without_a_token(github: Diagnostics, net: respx.MockRouter) -> None:
    with net:
        route = net.get(f"{API}/rate_limit").respond(200, json={}, headers=DATE)
        answer = await github.limits(None)
        await github.limits(TOKEN)
    first, second = (call.request.headers for call in route.calls)
    assert "authorization" not in first
    assert second["authorization"] == f"Bearer {TOKEN}"
    assert answer == Answer(200, "", NOW + timedelta(seconds=7), scopes=None, is_github=False)


@pytest.mark.parametrize(("header", "is_github"), [({"X-GitHub-Request-Id": "57A1:1"}, True), ({}, False)])
async def test_an_answer_without_a_request_id_is_not_githubs(
    github: Diagnostics, net: respx.MockRouter, *, header: dict[str, str], is_github: bool
) -> None:
    with net:
        net.get(f"{API}/rate_limit").respond(200, headers=header)
        answer = await github.limits(None)
    assert isinstance(answer, Answer)
    assert answer.is_github is is_github


@pytest.mark.parametrize(
    ("header", "scopes"), [("repo:status, read:org", {"repo:status", "read:org"}), ("", set()), (None, None)]
)
async def test_a_classic_token_names_its_scopes(
    github: Diagnostics, net: respx.MockRouter, header: str | None, scopes: set[str] | None
) -> None:
    with net:
        net.get(f"{API}/rate_limit").respond(200, headers={} if header is None else {"X-OAuth-Scopes": header})
        answer = await github.limits(TOKEN)
    assert isinstance(answer, Answer)
    assert answer.scopes == scopes


async def test_a_refusal_is_reported_in_githubs_words_without_the_token(
    github: Diagnostics, net: respx.MockRouter
) -> None:
    with net:
        net.get(f"{API}/rate_limit").respond(401, json={"message": f"Bad credentials {TOKEN}"})
        answer = await github.limits(TOKEN)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.words) == (401, "Bad credentials [token]")


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("no route"), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut")]
)
async def test_no_answer_is_said_with_its_cause(
    github: Diagnostics, net: respx.MockRouter, error: httpx.TransportError
) -> None:
    with net:
        net.get(f"{API}/rate_limit").mock(side_effect=error)
        assert await github.limits(None) == NoResponse(f"{type(error).__name__}: {error}")


@pytest.mark.parametrize(
    ("body", "may_push"),
    [
        ({"permissions": {"push": True, "pull": True}}, True),
        ({"permissions": {"push": False}}, False),
        ({"permissions": {}}, False),
        ({"name": "site"}, None),
        ([], None),
    ],
)
async def test_what_may_be_done_in_a_repository(
    github: Diagnostics, net: respx.MockRouter, *, body: object, may_push: bool | None
) -> None:
    with net:
        net.get(f"{API}/repos/acme/site").respond(200, json=body)
        answer = await github.repository("acme/site", TOKEN)
    assert isinstance(answer, Answer)
    assert answer.may_push is may_push


@pytest.mark.parametrize(
    ("body", "is_archived"), [({"archived": True}, True), ({"archived": False}, False), ({}, False)]
)
async def test_an_archived_repository_says_so(
    github: Diagnostics, net: respx.MockRouter, body: object, *, is_archived: bool
) -> None:
    with net:
        net.get(f"{API}/repos/acme/site").respond(200, json=body)
        answer = await github.repository("acme/site", TOKEN)
    assert isinstance(answer, Answer)
    assert answer.is_archived is is_archived


async def test_a_repository_that_was_renamed_is_followed_on_the_same_host_only(
    github: Diagnostics, net: respx.MockRouter
) -> None:
    with net:
        net.get(f"{API}/repos/acme/old").respond(301, headers={"location": f"{API}/repositories/17"})
        net.get(f"{API}/repositories/17").respond(200, json={"permissions": {"push": True}})
        elsewhere = net.get("https://elsewhere.test/").respond(200)
        net.get(f"{API}/repos/acme/gone").respond(301, headers={"location": "https://elsewhere.test/"})
        followed = await github.repository("acme/old", TOKEN)
        left = await github.repository("acme/gone", TOKEN)
    assert isinstance(followed, Answer)
    assert followed.may_push is True
    assert isinstance(left, Answer)
    assert (left.status, left.words) == (301, "HTTP 301")
    assert not elsewhere.called
