"""Redirects and links to other pages are followed on the configured host only; nothing else is kept."""

import httpx
import pytest
import respx
from described import API, CREATED, GET_URL, NAMED, POST_URL, REPORT, SHA, TARGET, TOKEN

from domain.delivery.outcome import Delivered, NotSent, Page, Reason, Unknown
from github_api.commit_statuses import CommitStatuses

MOVED = f"{API}/repositories/7/statuses/{SHA}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("location", [MOVED, f"/repositories/7/statuses/{SHA}"])
async def test_a_redirected_create_stays_a_create(
    github: CommitStatuses, net: respx.MockRouter, status: int, location: str
) -> None:
    with net:
        first = net.post(POST_URL).respond(
            status, headers={"Location": location}, json={"message": "Moved Permanently"}
        )
        second = net.post(MOVED).respond(201, json=CREATED)
        sent = await github.create(REPORT, TOKEN)
    assert isinstance(sent.outcome, Delivered)
    assert sent.exchange.http_status == 201
    assert second.calls.last.request.content == first.calls.last.request.content
    assert second.calls.last.request.headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.test/x",
        "http://api.github.com/x",
        "https://api.github.com:444/x",
        "//evil.test/x",
        "https://[",
        "https://api.github.com:x/",
        "",
    ],
)
async def test_a_redirect_off_the_origin_is_not_followed(
    github: CommitStatuses, net: respx.MockRouter, location: str
) -> None:
    with net:
        net.route(method__in=["POST", "GET"], path="/x").respond(201, json=CREATED)
        net.post(POST_URL).respond(307, headers={"Location": location})
        net.get(GET_URL).respond(301, headers={"Location": location})
        sent, read = await github.create(REPORT, TOKEN), await github.page(TARGET, TOKEN)
        assert len(net.calls) == 2
    assert isinstance(sent.outcome, Unknown)
    assert isinstance(read.outcome, NotSent)
    assert sent.outcome.reason is read.outcome.reason is Reason.REDIRECTED


@pytest.mark.parametrize("host", ["http://github.internal", "https://me:pw@evil.test:8443"])
async def test_a_redirect_to_an_inner_name_is_followed_on_the_configured_host(
    github: CommitStatuses, net: respx.MockRouter, host: str
) -> None:
    """An Enterprise Server behind a proxy may know itself by another name; the token stays where it was meant for."""
    with net:
        net.post(POST_URL).respond(307, headers={"Location": f"{host}/repositories/7/statuses/{SHA}"})
        moved = net.post(MOVED).respond(201, json=CREATED)
        assert isinstance((await github.create(REPORT, TOKEN)).outcome, Delivered)
        assert {call.request.url.host for call in net.calls} == {"api.github.com"}
    assert moved.call_count == 1


async def test_a_redirect_to_the_same_path_elsewhere_is_not_followed(
    github: CommitStatuses, net: respx.MockRouter
) -> None:
    with net:
        route = net.post(POST_URL).respond(301, headers={"Location": POST_URL.replace("https:", "http:")})
        assert isinstance((await github.create(REPORT, TOKEN)).outcome, Unknown)
    assert route.call_count == 1


async def test_a_see_other_is_not_followed(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        net.post(POST_URL).respond(303, headers={"Location": MOVED})
        outcome = (await github.create(REPORT, TOKEN)).outcome
    assert outcome == Unknown(f"HTTP 303 to {MOVED}", Reason.REDIRECTED)


async def test_a_circle_of_redirects_ends_after_five(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        route = net.post(POST_URL).respond(307, headers={"Location": POST_URL})
        sent = await github.create(REPORT, TOKEN)
    assert route.call_count == 6
    assert sent.outcome == Unknown(f"HTTP 307 to {POST_URL}", Reason.REDIRECTED)


async def test_an_error_behind_a_redirect_is_the_outcome(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        net.post(POST_URL).respond(307, headers={"Location": MOVED})
        net.post(MOVED).mock(side_effect=httpx.ReadError("reset"))
        assert isinstance((await github.create(REPORT, TOKEN)).outcome, Unknown)


async def test_a_user_in_an_address_does_not_replace_the_token(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        net.post(POST_URL).respond(307, headers={"Location": "https://me:pw@api.github.com/x"})
        route = net.post(path="/x").respond(201, json=CREATED)
        await github.create(REPORT, TOKEN)
    assert route.calls.last.request.headers["authorization"] == f"Bearer {TOKEN}"


async def test_cookies_are_not_kept(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        route = net.get(GET_URL).respond(200, json=[], headers={"Set-Cookie": "a=b"})
        await github.page(TARGET, TOKEN)
        await github.page(TARGET, TOKEN)
    assert "cookie" not in route.calls.last.request.headers


async def test_pages_are_walked_by_their_links(github: CommitStatuses, net: respx.MockRouter) -> None:
    second = f"{API}/repositories/7/commits/{SHA}/statuses?per_page=100&page=2"
    with net:
        net.get(GET_URL).respond(200, json=[CREATED], headers=NAMED | {"Link": f'<{second}>; rel="next"'})
        net.get(second).respond(200, json=[], headers=NAMED)
        one = (await github.page(TARGET, TOKEN)).outcome
        assert isinstance(one, Page)
        assert one.next_url == second
        assert (await github.page(TARGET, TOKEN, one.next_url)).outcome == Page((), None)


async def test_a_page_elsewhere_is_never_asked_for(github: CommitStatuses, net: respx.MockRouter) -> None:
    with net:
        read = await github.page(TARGET, TOKEN, "https://evil.test/?page=2")
        assert not net.calls
    assert read.outcome == NotSent(f"not a page of {API}: https://evil.test/")


async def test_a_page_that_is_named_on_an_inner_host_is_asked_for_on_the_configured_one(
    github: CommitStatuses, net: respx.MockRouter
) -> None:
    second = f"/repositories/7/commits/{SHA}/statuses?page=2"
    with net:
        net.get(f"{API}{second}").respond(200, json=[], headers=NAMED)
        assert (await github.page(TARGET, TOKEN, f"http://inner{second}")).outcome == Page((), None)
