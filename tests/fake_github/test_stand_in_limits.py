"""The stand-in counts requests as GitHub does, and refuses those beyond a limit in its words."""

from collections.abc import AsyncIterator

import httpx
import pytest
from stand_in_rig import SteppedTime, in_process_client

from fake_github.app import FakeGitHub
from fake_github.limits import Limits
from fake_github.surfaces.surface import Rules

PATH = f"/repos/octo/docs/statuses/{'6dcb09b5' * 5}"


@pytest.fixture
async def client(time: SteppedTime) -> AsyncIterator[httpx.AsyncClient]:
    async with limited(time, Limits()) as client:
        yield client


def limited(time: SteppedTime, limits: Limits) -> httpx.AsyncClient:
    return in_process_client(FakeGitHub(Rules(limits=limits), clock=time))


async def post(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post(PATH, json={"state": "success"})


async def test_every_response_names_its_request_and_the_limit(client: httpx.AsyncClient) -> None:
    responses = [await post(client), await client.get(PATH), await client.get("/nothing")]
    assert len({response.headers["x-github-request-id"] for response in responses}) == 3
    assert [response.headers["x-ratelimit-remaining"] for response in responses] == ["4999", "4998", "4997"]
    assert {response.headers["x-ratelimit-resource"] for response in responses} == {"core"}


async def test_asking_for_the_rate_limit_costs_nothing_and_the_newer_version_has_no_rate(
    client: httpx.AsyncClient,
) -> None:
    await post(client)
    body = (await client.get("/rate_limit")).json()
    assert body["rate"] == body["resources"]["core"]
    assert body["rate"]["used"] == 1
    newer = await client.get("/rate_limit", headers={"x-github-api-version": "2026-03-10"})
    assert "rate" not in newer.json()


async def test_the_hourly_limit_refuses_until_it_resets(time: SteppedTime) -> None:
    async with limited(time, Limits(per_hour=2)) as client:
        assert [(await post(client)).status_code for _ in range(3)] == [201, 201, 403]
        refused = await post(client)
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert int(refused.headers["x-ratelimit-reset"]) == int(time().timestamp()) + 3600
        assert (await client.get(PATH, headers={"authorization": "Bearer another"})).status_code == 200
        time.advance(3600)
        assert (await post(client)).status_code == 201


async def test_too_many_writes_within_a_minute_are_refused_and_reads_are_not(time: SteppedTime) -> None:
    async with limited(time, Limits(writes_per_minute=2)) as client:
        assert [(await post(client)).status_code for _ in range(3)] == [201, 201, 403]
        assert (await client.get(PATH)).status_code == 200
        time.advance(61)
        assert (await post(client)).status_code == 201


async def test_too_many_writes_within_an_hour_are_refused_in_words_alone(time: SteppedTime) -> None:
    async with limited(time, Limits(writes_per_hour=2)) as client:
        assert [(await post(client)).status_code for _ in range(2)] == [201, 201]
        refused = await post(client)
        assert (refused.status_code, "retry-after" in refused.headers) == (403, False)
        assert "temporarily blocked from content creation" in refused.json()["message"]
        assert int(refused.headers["x-ratelimit-remaining"]) > 0
        assert (await client.get(PATH)).status_code == 200
        time.advance(3599)
        assert (await post(client)).status_code == 403
        time.advance(1)
        assert (await post(client)).status_code == 201
