"""The stand-in refuses what GitHub refuses, in GitHub's words, and stores nothing then."""

import httpx
import pytest
from stand_in_rig import in_process_client

from fake_github.app import FakeGitHub
from fake_github.surfaces.surface import Rules

SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
PATH = f"/repos/octo/docs/statuses/{SHA}"


@pytest.fixture
def github() -> FakeGitHub:
    return FakeGitHub()


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({"state": "odd"}, "state", "state is not included in the list"),
        ({"description": "x" * 141}, "description", "description is too long (maximum is 140 characters)"),
        ({"description": "built 🎉"}, "description", "description doesn't accept 4-byte Unicode"),
        ({"context": "x" * 256}, "context", "context is too long (maximum is 255 characters)"),
        ({"target_url": "ftp://x.test"}, "target_url", "target_url must use http(s) scheme"),
        ({"target_url": "x.test"}, "target_url", "target_url must use http(s) scheme"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_an_unfit_field_is_named(
    client: httpx.AsyncClient, github: FakeGitHub, fields: dict[str, str], field: str, message: str
) -> None:
    response = await client.post(PATH, json={"state": "success", **fields})
    assert response.status_code == 422
    body = response.json()
    assert (body["message"], body["status"]) == ("Validation Failed", "422")
    assert body["errors"] == [{"resource": "Status", "code": "custom", "field": field, "message": message}]
    assert not github.store.held()


@pytest.mark.parametrize(
    "fields",
    [
        {"description": "x" * 140},
        {"description": "ﬀ … 語" + "\uffff"},
        {"context": "x" * 255},
        {"target_url": "HTTPS://x.test"},
        {"target_url": ""},
    ],
    ids=lambda value: str(value)[:30],
)
async def test_values_at_the_limit_are_accepted(client: httpx.AsyncClient, fields: dict[str, str]) -> None:
    assert (await client.post(PATH, json={"state": "success", **fields})).status_code == 201


async def test_a_missing_state_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json={"context": "docs/build"})
    assert response.json()["errors"][0]["message"] == "state is not included in the list"


@pytest.mark.parametrize("sha", ["6dcb09b", "z" * 40, SHA + "0"])
async def test_a_sha_has_40_hex_digits(client: httpx.AsyncClient, sha: str) -> None:
    response = await client.post(f"/repos/octo/docs/statuses/{sha}", json={"state": "success"})
    assert response.status_code == 422
    assert response.json()["errors"][0]["message"] == "sha must be a 40 character SHA1"


@pytest.mark.parametrize("field", ["state", "context", "description", "target_url"])
async def test_a_field_of_another_type_is_an_invalid_request(client: httpx.AsyncClient, field: str) -> None:
    response = await client.post(PATH, json={"state": "success", field: 1})
    assert response.status_code == 422
    assert response.json()["message"] == f"Invalid request.\n\nFor 'properties/{field}', 1 is not a string."


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"state": ', "Problems parsing JSON"),
        (b"\xff", "Problems parsing JSON"),
        (b"[]", "Body should be a JSON object"),
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(
    client: httpx.AsyncClient, content: bytes, message: str
) -> None:
    response = await client.post(PATH, content=content)
    assert (response.status_code, response.json()["message"]) == (400, message)


async def test_the_thousandth_status_of_a_context_is_the_last(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    made = (await client.post(PATH, json={"state": "success", "context": "docs/build"})).json()
    (first,) = github.store.held()
    for _ in range(999):
        github.store.add(first)
    response = await client.post(PATH, json={"state": "success", "context": "DOCS/build"})
    message = "This SHA and context has reached the maximum number of statuses."
    assert response.status_code == 422
    assert response.json()["errors"] == [{"resource": "Status", "code": "custom", "message": message}]
    assert (await client.post(PATH, json={"state": "success", "context": "docs/other"})).status_code == 201
    assert made["id"] == first.id


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"authorization": ""}, 401, "Requires authentication"),
        ({"authorization": "Bearer "}, 401, "Requires authentication"),
        ({"authorization": "Bearer bad"}, 401, "Bad credentials"),
        ({"x-github-api-version": "2019-01-01"}, 400, "Unsupported API version. Supported: 2022-11-28, 2026-03-10"),
    ],
)
async def test_the_caller_is_looked_at_first(headers: dict[str, str], status: int, message: str) -> None:
    async with in_process_client(FakeGitHub(Rules(bad_tokens=frozenset({"bad"})))) as client:
        response = await client.post(PATH, content=b"no json", headers=headers)
    assert (response.status_code, response.json()["message"]) == (status, message)


async def test_a_request_without_a_user_agent_is_refused_in_plain_text(client: httpx.AsyncClient) -> None:
    response = await client.post(PATH, json={"state": "success"}, headers={"user-agent": ""})
    assert response.status_code == 403
    assert response.headers["content-type"].startswith("text/plain")
    assert "User-Agent" in response.text


async def test_with_commits_named_there_are_no_others() -> None:
    other = "0" * 40
    async with in_process_client(FakeGitHub(Rules(commits=frozenset({SHA})))) as client:
        assert (await client.post(PATH, json={"state": "success"})).status_code == 201
        created = await client.post(f"/repos/octo/docs/statuses/{other}", json={"state": "success"})
        commit = await client.get(f"/repos/octo/docs/commits/{other}")
        listed = await client.get(f"/repos/octo/docs/commits/{other}/statuses")
    assert (created.status_code, created.json()["message"]) == (422, f"No commit found for SHA: {other}")
    assert "errors" not in created.json()
    assert (commit.status_code, listed.status_code) == (422, 404)


@pytest.mark.parametrize("path", [f"{PATH}/", "/repos/octo/docs/statuses/", "/repos/octo/docs", "/repos/octo"])
async def test_nothing_stands_at_other_paths(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(path, json={"state": "success"})
    assert (response.status_code, response.json()["message"]) == (404, "Not Found")
