"""The client's requests against GitHub's own description, and the outcome of each answer."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from described import (
    API,
    CREATE,
    CREATED,
    DESCRIPTION,
    GET_URL,
    LIST,
    NAMED,
    NOW,
    POST_URL,
    REPORT,
    SHA,
    TARGET,
    TOKEN,
)
from openapi_schema_validator import OAS30Validator
from waiting import soon

from domain.delivery.outcome import Delivered, Exchange, NotSent, Page, RateLimit, Reason, Rejected, Throttled, Unknown
from domain.delivery.report import Report
from domain.delivery.target import StatusState, Target
from github_api.commit_statuses import MAX_PAGE, CommitStatuses
from github_api.send_request import MAX_REPLY


def schema_errors(instance: object, schema: dict[str, Any]) -> list[str]:
    return [
        e.message for e in OAS30Validator({**schema, "components": DESCRIPTION["components"]}).iter_errors(instance)
    ]


@pytest.mark.parametrize("state", StatusState)
async def test_a_create_is_as_github_describes_it(
    github: CommitStatuses, net: respx.MockRouter, state: StatusState
) -> None:
    with net:
        route = net.post(POST_URL).respond(201, json=CREATED)
        sent = await github.create(Report(TARGET, state, "d", "https://ci.test/", "abc"), TOKEN)
    body = json.loads(route.calls.last.request.content)
    assert schema_errors(body, CREATE["requestBody"]["content"]["application/json"]["schema"]) == []
    assert body == {"state": str(state), "target_url": "https://ci.test/", "description": "d", "context": "docs/build"}
    assert sent.outcome == Delivered(CREATED["id"])


def test_the_description_would_notice_a_wrong_create() -> None:
    schema = CREATE["requestBody"]["content"]["application/json"]["schema"]
    assert schema_errors({"state": "done"}, schema)
    assert schema_errors({"description": None}, schema)


async def test_a_read_is_as_github_describes_it(github: CommitStatuses, net: respx.MockRouter) -> None:
    items = [CREATED, {**CREATED, "id": 2, "target_url": None}]
    reply = LIST["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema_errors(items, reply) == []
    with net:
        route = net.get(GET_URL).respond(200, json=items, headers=NAMED)
        page = (await github.page(TARGET, TOKEN)).outcome
    request = route.calls.last.request
    described = {p["name"] for p in LIST["parameters"] if "name" in p} | {"per_page", "page"}
    assert set(request.url.params) <= described
    assert request.url.params["per_page"] == "100"
    assert request.headers["cache-control"] == "no-cache"
    assert isinstance(page, Page)
    assert [s.id for s in page.posted] == [CREATED["id"], 2]


async def test_every_request_carries_what_github_asks_for(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        routes = net.post(POST_URL).respond(201, json=CREATED), net.get(GET_URL).respond(200, json=[])
        await github.create(REPORT, TOKEN)
        await github.page(TARGET, TOKEN)
    for route in routes:
        headers = route.calls.last.request.headers
        assert headers["accept"] == "application/vnd.github+json"
        assert headers["authorization"] == f"Bearer {TOKEN}"
        assert headers["x-github-api-version"] == "2022-11-28"
        assert headers["user-agent"].startswith("reportback/")


async def test_without_a_token_there_is_no_authorization(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        route = net.post(POST_URL).respond(201, json=CREATED)
        await github.create(REPORT, None)
    assert "authorization" not in route.calls.last.request.headers


async def test_parts_of_a_path_cannot_become_more_of_it(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        route = net.post(url__startswith=API).respond(404, json={"message": "Not Found"})
        await github.create(Report(Target("o/a/b?c#d é", SHA, "c"), StatusState.ERROR, "", "", ""), TOKEN)
    assert route.calls.last.request.url.raw_path == f"/repos/o/a%2Fb%3Fc%23d%20%C3%A9/statuses/{SHA}".encode()


async def test_an_enterprise_servers_path_is_kept(net: respx.MockRouter) -> None:
    with net:
        route = net.post(f"https://ghe.test/api/v3/repos/Octo-Org/docs.site/statuses/{SHA}").respond(201, json=CREATED)
        async with CommitStatuses("https://ghe.test/api/v3/", timedelta(seconds=5), lambda: NOW) as github:
            assert isinstance((await github.create(REPORT, TOKEN)).outcome, Delivered)
    assert route.called


async def test_the_exchange_has_status_request_id_and_account(github: CommitStatuses, net: respx.MockRouter) -> None:
    headers = {
        "X-GitHub-Request-Id": "0681:62D5",
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(NOW.timestamp()) + 60),
    }
    with net:
        net.post(POST_URL).respond(403, headers=headers, json={"message": "API rate limit exceeded"})
        sent = await github.create(REPORT, TOKEN)
    assert sent.exchange == Exchange(403, "0681:62D5", RateLimit(5000, 0, NOW + timedelta(seconds=60)))
    assert sent.outcome == Throttled(Reason.RATE_LIMITED, "API rate limit exceeded", NOW + timedelta(seconds=61))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 502, 503])
async def test_nothing_is_ever_repeated(github: CommitStatuses, net: respx.MockRouter, status: int) -> None:
    with net:
        routes = net.post(POST_URL).respond(status), net.get(GET_URL).respond(status)
        await github.create(REPORT, TOKEN)
        await github.page(TARGET, TOKEN)
    assert [route.call_count for route in routes] == [1, 1]


@pytest.mark.parametrize(
    ("error", "kind"),
    [(httpx.ConnectError, NotSent), (httpx.ConnectTimeout, NotSent), (httpx.PoolTimeout, NotSent)]
    + [(e, Unknown) for e in (httpx.ReadTimeout, httpx.WriteError, httpx.RemoteProtocolError, TimeoutError)],
)
async def test_an_error_on_the_way_is_an_outcome(
    github: CommitStatuses, net: respx.MockRouter, error: type[Exception], kind: type[object]
) -> None:
    with net:
        net.post(POST_URL).mock(side_effect=error("words"))
        net.get(GET_URL).mock(side_effect=error("words"))
        sent, read = await github.create(REPORT, TOKEN), await github.page(TARGET, TOKEN)
    assert isinstance(sent.outcome, kind)
    assert isinstance(read.outcome, NotSent)
    assert sent.exchange == read.exchange == Exchange()


async def test_a_url_that_cannot_be_asked_was_not_sent() -> None:
    async with CommitStatuses("ftp://api.github.com", timedelta(seconds=5), lambda: NOW) as github:
        assert isinstance((await github.create(REPORT, TOKEN)).outcome, NotSent)


async def test_a_token_that_fits_no_header_is_in_no_outcome() -> None:
    async with CommitStatuses("http://127.0.0.1:9", timedelta(seconds=1), lambda: NOW) as github:
        sent = await github.create(REPORT, "ghp_secret\nX-Evil: 1")
    assert "secret" not in repr(sent)


async def test_an_echoed_token_does_not_reach_an_outcome(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        net.post(POST_URL).respond(404, json={"message": f"you sent Bearer {TOKEN}"}, headers=NAMED)
        sent = await github.create(REPORT, TOKEN)
    assert sent.outcome == Rejected(Reason.NOT_FOUND, "you sent Bearer [token]", may_heal=True)


async def test_a_success_is_read_as_it_came_whatever_the_token(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        net.get(GET_URL).respond(200, json=[{**CREATED, "target_url": "https://ci.test/#report-abc"}], headers=NAMED)
        page = (await github.page(TARGET, "abc")).outcome
    assert isinstance(page, Page)
    assert page.posted[0].target_url == "https://ci.test/#report-abc"


async def test_cancelling_is_not_an_outcome() -> None:
    asked = asyncio.Event()

    async def never(_request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with CommitStatuses(API, timedelta(seconds=60), lambda: NOW, transport=httpx.MockTransport(never)) as github:
        task = asyncio.create_task(github.create(REPORT, TOKEN))
        await soon(asked.wait(), "the request")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_body_over_the_bound_does_not_parse(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        net.post(POST_URL).respond(201, content=json.dumps(CREATED) + " " * MAX_REPLY)
        net.get(GET_URL).respond(200, content="[]" + " " * MAX_PAGE)
        sent, read = await github.create(REPORT, TOKEN), await github.page(TARGET, TOKEN)
    assert isinstance(sent.outcome, Unknown)
    assert sent.exchange.http_status == 201
    assert isinstance(read.outcome, NotSent)


async def test_a_body_at_the_bound_is_read(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        net.post(POST_URL).respond(201, content=json.dumps(CREATED).ljust(MAX_REPLY))
        net.get(GET_URL).respond(200, content="[]".ljust(MAX_PAGE), headers=NAMED)
        sent, read = await github.create(REPORT, TOKEN), await github.page(TARGET, TOKEN)
    assert isinstance(sent.outcome, Delivered)
    assert read.outcome == Page((), None)
