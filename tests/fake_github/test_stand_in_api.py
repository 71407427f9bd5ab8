"""Without faults the stand-in answers as GitHub describes its API."""

import httpx
import pytest
from openapi_of_github import assert_described, assert_fits
from stand_in_rig import SteppedTime, in_process_client

from fake_github.app import FakeGitHub
from fake_github.surfaces.surface import Rules

SHA = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"  # not that of GitHub's examples
STATUSES = f"/repos/Octo/Docs/statuses/{SHA}"
COMMIT = f"/repos/Octo/Docs/commits/{SHA}"


async def post(client: httpx.AsyncClient, path: str = STATUSES, **fields: object) -> httpx.Response:
    return await client.post(path, json={"state": "success", **fields})


async def test_a_created_status_is_as_described(client: httpx.AsyncClient) -> None:
    response = await post(client, context="docs/build", description="Built", target_url="https://x.test/#report-1")
    assert response.status_code == 201
    assert_described("statuses", "/repos/{owner}/{repo}/statuses/{sha}", "post", response)
    body = response.json()
    assert (body["context"], body["target_url"]) == ("docs/build", "https://x.test/#report-1")
    assert response.headers["location"] == body["url"] == f"https://api.github.test{STATUSES}"
    assert body["id"] > 2**32
    assert body["created_at"] == "2026-03-01T12:00:00Z"


async def test_what_is_left_out_is_null_and_the_context_has_a_default(client: httpx.AsyncClient) -> None:
    response = await post(client, description=None)
    assert_described("statuses", "/repos/{owner}/{repo}/statuses/{sha}", "post", response)
    body = response.json()
    assert (body["context"], body["description"], body["target_url"]) == ("default", None, None)


async def test_the_reads_are_as_described(client: httpx.AsyncClient) -> None:
    await post(client, context="docs/build", target_url="https://x.test/")
    for path, url in (
        ("/repos/{owner}/{repo}/commits/{ref}/statuses", f"{COMMIT}/statuses"),
        ("/repos/{owner}/{repo}/commits/{ref}/status", f"{COMMIT}/status"),
        ("/repos/{owner}/{repo}/commits/{ref}", COMMIT),
        ("/rate_limit", "/rate_limit"),
    ):
        response = await client.get(url)
        assert response.status_code == 200
        assert_described("statuses", path, "get", response)


async def test_identical_posts_each_make_a_status(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    first, second = [(await post(client)).json()["id"] for _ in range(2)]
    assert [status.id for status in github.store.held()] == [first, second]


async def test_the_list_is_newest_first_also_within_one_second(client: httpx.AsyncClient) -> None:
    for description in ("one", "two", "three"):
        await post(client, description=description)
    listed = (await client.get(f"{COMMIT}/statuses")).json()
    assert [status["description"] for status in listed] == ["three", "two", "one"]


async def test_the_list_is_paged_and_link_leads_through_every_page(client: httpx.AsyncClient) -> None:
    ids = [(await post(client, context=f"docs/{n}")).json()["id"] for n in range(7)]
    url, found, rels = f"{COMMIT}/statuses?per_page=3", [], []
    while url:
        response = await client.get(url)
        found += [status["id"] for status in response.json()]
        rels.append({*response.links})
        url = response.links.get("next", {}).get("url", "")
    assert found == ids[::-1]
    assert rels == [{"next", "last"}, {"first", "prev", "next", "last"}, {"first", "prev"}]


async def test_one_page_has_no_link_and_holds_30_unless_asked_for_up_to_100(client: httpx.AsyncClient) -> None:
    for _ in range(30):
        await post(client)
    assert "link" not in (await client.get(f"{COMMIT}/statuses")).headers
    for _ in range(71):
        await post(client)
    for query, shown in (("", 30), ("?per_page=100", 100), ("?per_page=1000", 100), ("?per_page=nonsense", 30)):
        assert len((await client.get(f"{COMMIT}/statuses{query}")).json()) == shown
    assert (await client.get(f"{COMMIT}/statuses?page=9")).json() == []


async def test_the_legacy_and_the_numbered_routes_show_the_same_list(client: httpx.AsyncClient) -> None:
    await post(client)
    number = (await client.get(f"{COMMIT}/status")).json()["repository"]["id"]
    listed = (await client.get(f"{COMMIT}/statuses")).json()
    assert (await client.get(STATUSES)).json() == listed
    assert (await client.get(f"/repositories/{number}/statuses/{SHA}")).json() == listed
    assert (await client.get(f"/repositories/{number + 1}/statuses/{SHA}")).status_code == 404


async def test_repositories_contexts_and_shas_ignore_letter_case(client: httpx.AsyncClient) -> None:
    await post(client, context="Docs/Build", state="pending")
    await post(client, f"/repos/octo/DOCS/statuses/{SHA.upper()}", context="docs/build", state="success")
    combined = (await client.get(f"{COMMIT}/status")).json()
    assert [status["state"] for status in combined["statuses"]] == ["success"]
    assert combined["total_count"] == 1
    assert len((await client.get(f"{COMMIT}/statuses")).json()) == 2


@pytest.mark.parametrize(
    ("states", "combined"),
    [
        ([], "pending"),
        (["success"], "success"),
        (["success", "pending"], "pending"),
        (["pending", "failure"], "failure"),
        (["success", "error"], "failure"),
    ],
)
async def test_the_combined_state_is_githubs(client: httpx.AsyncClient, states: list[str], combined: str) -> None:
    for number, state in enumerate(states):
        await post(client, context=f"docs/{number}", state=state)
    assert (await client.get(f"{COMMIT}/status")).json()["state"] == combined


async def test_the_combined_list_is_paged_too(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await post(client, context=f"docs/{number}")
    response = await client.get(f"{COMMIT}/status?per_page=2")
    assert (len(response.json()["statuses"]), response.json()["total_count"]) == (2, 3)
    assert "next" in response.links


async def test_a_commit_can_be_asked_for_its_sha_alone(client: httpx.AsyncClient) -> None:
    response = await client.get(COMMIT, headers={"accept": "application/vnd.github.sha"})
    assert response.text == SHA


async def test_reads_may_be_cached(client: httpx.AsyncClient) -> None:
    response = await client.get(f"{COMMIT}/statuses")
    assert response.headers["cache-control"] == "private, max-age=60, s-maxage=60"
    again = await client.get(f"{COMMIT}/statuses")
    assert again.headers["etag"] == response.headers["etag"]


async def test_errors_are_as_described(client: httpx.AsyncClient) -> None:
    for name, response in (
        ("basic-error", await client.get("/nothing")),
        ("validation-error", await post(client, state="odd")),
    ):
        assert_fits("statuses", {"$ref": f"#/components/schemas/{name}"}, response.json())


async def test_a_repository_is_as_described(client: httpx.AsyncClient) -> None:
    """`full-repository` is the schema `repository` and two more counts."""
    response = await client.get("/repos/Octo/Docs")
    body = response.json()
    assert_fits("statuses", {"$ref": "#/components/schemas/repository"}, body)
    assert body["full_name"] == "Octo/Docs"
    assert body.keys() >= {"network_count", "subscribers_count"}
    assert (body["archived"], body["permissions"]["push"]) == (False, True)
    assert (await client.get(f"/repositories/{body['id']}")).json() == body


async def test_without_a_token_the_rate_limit_is_readable_and_no_repository(client: httpx.AsyncClient) -> None:
    anonymous = {"authorization": ""}
    assert (await client.get("/rate_limit", headers=anonymous)).status_code == 200
    assert (await client.get("/repos/Octo/Docs", headers=anonymous)).status_code == 401


READ_ONLY = Rules(
    readers=frozenset({"token"}), repositories=frozenset({"octo/docs", "octo/old"}), archived=frozenset({"octo/old"})
)


@pytest.mark.parametrize(
    ("repository", "status", "words"),
    [
        ("Octo/Docs", 403, "Resource not accessible by integration"),
        ("Octo/Old", 403, "Repository was archived so is read-only."),
        ("Octo/None", 404, "Not Found"),
    ],
)
async def test_a_repository_that_may_not_be_written_to_is_refused(
    time: SteppedTime, repository: str, status: int, words: str
) -> None:
    async with in_process_client(FakeGitHub(READ_ONLY, clock=time, sleep=time.sleep)) as client:
        response = await post(client, f"/repos/{repository}/statuses/{SHA}")
    assert (response.status_code, response.json()["message"]) == (status, words)


async def test_a_repository_shows_the_callers_permissions(time: SteppedTime) -> None:
    async with in_process_client(FakeGitHub(READ_ONLY, clock=time, sleep=time.sleep)) as client:
        read_only, archived, missing = [await client.get(f"/repos/Octo/{name}") for name in ("Docs", "Old", "None")]
    assert read_only.json()["permissions"]["push"] is False
    assert (read_only.json()["archived"], archived.json()["archived"]) == (False, True)
    assert missing.status_code == 404
