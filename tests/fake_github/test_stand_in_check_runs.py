"""The stand-in has check runs as GitHub describes them: created once, changed by their App, annotations appended."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from check_run_rig import (
    COMMIT_RUNS,
    RUNS,
    SHA,
    annotation,
    client_of_app,
    create,
    created,
    github_with_app,
    listed,
    output,
    update,
)
from openapi_of_github import assert_described, assert_request_described
from stand_in_rig import SteppedTime

from fake_github.app import FakeGitHub
from fake_github.surfaces.check_run_store import MAX_RUNS, Annotation
from fake_github.surfaces.surface import Rules

PATH = "/repos/{owner}/{repo}/check-runs"
ONE = f"{PATH}/{{check_run_id}}"
DAY = 24 * 3600


@pytest.fixture
def github(time: SteppedTime) -> FakeGitHub:
    return github_with_app(time, Rules(commits=frozenset({SHA}), refs={"main": SHA}))


@pytest.fixture
async def client(github: FakeGitHub) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of_app(github) as client:
        yield client


async def test_requests_and_answers_are_as_described(client: httpx.AsyncClient) -> None:
    made = await create(
        client, status="in_progress", external_id="m/0", details_url="https://x.test/#1",
        started_at="2026-03-01T11:59:00Z", output=output(annotation(2), title="Building"),
    )  # fmt: skip
    assert made.status_code == 201
    assert_request_described("checks", PATH, "post", made.request)
    assert_described("checks", PATH, "post", made)
    number = made.json()["id"]
    assert made.headers["location"] == made.json()["url"] == f"https://api.github.test{RUNS}/{number}"
    changed = await update(client, number, conclusion="success", external_id="m/1", output=output(annotation(3)))
    assert_request_described("checks", ONE, "patch", changed.request)
    assert_described("checks", ONE, "patch", changed)
    for path, url in (
        (ONE, f"{RUNS}/{number}"),
        (f"{ONE}/annotations", f"{RUNS}/{number}/annotations"),
        ("/repos/{owner}/{repo}/commits/{ref}/check-runs", COMMIT_RUNS),
        ("/repos/{owner}/{repo}/commits/{ref}/check-runs", COMMIT_RUNS.replace(SHA, "main")),
    ):
        read = await client.get(url)
        assert read.status_code == 200
        assert_described("checks", path, "get", read)
    assert (await client.get(f"{RUNS}/{number}")).json() == changed.json()


async def test_a_run_is_what_its_requests_said(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    began = time.now
    number = (await created(client, external_id=" M/0\t", details_url="HTTPS://x.test/a b#~:é"))["id"]
    time.advance(60)
    await update(client, number, conclusion="timed_out", output=output(annotation(2, title="toctree"), summary="**2**"))
    (run,) = github.check_runs("Acme/Site", SHA.upper())
    assert (run.id, run.name, run.app_id, run.created_at, run.started_at) == (number, "docs/build", 42, began, began)
    assert (run.status, run.conclusion, run.completed_at) == ("completed", "timed_out", time.now)
    assert (run.external_id, run.details_url) == (" M/0\t", "HTTPS://x.test/a b#~:é")
    assert (run.title, run.summary, run.text) == ("Built", "**2**", None)
    assert run.annotations == (Annotation("docs/index.md", 2, 2, "warning", "line 2", "toctree"),)


async def test_nothing_makes_a_repeated_post_one_run(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    numbers = [(await created(client, external_id="same"))["id"] for _ in range(2)]
    assert [run.id for run in github.check_runs("acme/site", SHA)] == numbers


async def test_every_request_appends_its_annotations(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    number = (await created(client, output=output(annotation(1))))["id"]
    for _ in range(2):
        await update(client, number, output=output(annotation(2)))
    await update(client, number, conclusion="success", output={"summary": "no annotations"})
    (run,) = github.check_runs("acme/site", SHA)
    assert [one.start_line for one in run.annotations] == [1, 2, 2]
    shown = await client.get(f"{RUNS}/{number}/annotations?per_page=2")
    assert [one["message"] for one in shown.json()] == ["line 1", "line 2"]
    following = await client.get(shown.links["next"]["url"])
    assert [one["message"] for one in following.json()] == ["line 2"]


async def test_a_conclusion_over_a_conclusion_is_taken_and_leaves_the_time(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    number = (await created(client))["id"]
    await update(client, number, conclusion="failure")
    ended = time.now
    time.advance(5)
    await update(client, number, conclusion="success")
    assert github.check_runs("acme/site", SHA)[0].completed_at == ended
    await update(client, number, conclusion="success", completed_at="2026-03-01T11:00:00Z")
    body = (await client.get(f"{RUNS}/{number}")).json()
    assert (body["conclusion"], body["completed_at"]) == ("success", "2026-03-01T11:00:00Z")
    await update(client, number, status="in_progress")
    body = (await client.get(f"{RUNS}/{number}")).json()
    assert (body["status"], body["conclusion"]) == ("in_progress", "success")  # GitHub shows both


async def test_an_open_run_is_stale_after_fourteen_days(
    client: httpx.AsyncClient, github: FakeGitHub, time: SteppedTime
) -> None:
    number = (await created(client))["id"]
    time.advance(14 * DAY - 1)
    assert github.check_runs("acme/site", SHA)[0].status == "in_progress"
    time.advance(1)
    stale = github.check_runs("acme/site", SHA)[0]
    assert (stale.status, stale.conclusion, stale.completed_at) == ("completed", "stale", time.now)
    async with client_of_app(github) as later:
        await update(later, number, conclusion="success")
    assert github.check_runs("acme/site", SHA)[0].conclusion == "success"


async def test_the_list_filters_and_leads_through_its_pages(client: httpx.AsyncClient, time: SteppedTime) -> None:
    numbers = []
    for n in range(5):
        numbers.append((await created(client, name="docs/a" if n % 2 else "docs/b"))["id"])
        time.advance(1)
    await update(client, numbers[1], conclusion="success")
    assert [run["id"] for run in await listed(client)] == numbers[::-1]
    assert [run["id"] for run in await listed(client, check_name="docs/a")] == [numbers[3], numbers[1]]
    assert [run["id"] for run in await listed(client, check_name="docs/a", status="completed")] == [numbers[1]]
    assert await listed(client, app_id=43) == []
    assert len(await listed(client, app_id=42)) == 5
    found, url = [], f"{COMMIT_RUNS}?filter=all&check_name=docs/b&per_page=2"
    while url:
        page = await client.get(url)
        assert page.json()["total_count"] == 3
        found += [run["id"] for run in page.json()["check_runs"]]
        url = page.links.get("next", {}).get("url", "")
    assert found == [numbers[4], numbers[2], numbers[0]]


async def test_the_latest_of_a_name_is_the_one_completed_last(client: httpx.AsyncClient, time: SteppedTime) -> None:
    first, second, third = [(await created(client))["id"] for _ in range(3)]
    assert [run["id"] for run in await listed(client, filter="latest")] == [third]
    await update(client, second, conclusion="success")
    time.advance(1)
    await update(client, first, conclusion="failure")
    assert [run["id"] for run in (await client.get(COMMIT_RUNS)).json()["check_runs"]] == [first]


TEXT = "é" * 40_000
REFUSED = [
    ({"head_sha": None}, "For 'properties/head_sha', null"),
    ({"name": 3}, "For 'properties/name', 3"),
    ({"status": "waiting"}, "For 'properties/status', \"waiting\""),
    ({"conclusion": "stale"}, "For 'properties/conclusion', \"stale\""),
    ({"status": "completed"}, '"conclusion" wasn\'t supplied.'),
    ({"completed_at": "2026-03-01T11:00:00Z"}, '"conclusion" wasn\'t supplied.'),
    ({"started_at": "yesterday"}, "For 'properties/started_at', \"yesterday\""),
    ({"output": {"summary": "s"}}, '"title" wasn\'t supplied.'),
    ({"output": output(summary="a" * 65_536)}, "Only 65535 characters are allowed; 65536 were supplied."),
    ({"output": {**output(), "text": "a" * 65_536}}, "Only 65535 characters are allowed; 65536 were supplied."),
    ({"output": output(summary=TEXT)}, "summary exceeds a maximum bytesize of 65535"),
    ({"output": output(*[annotation()] * 51)}, "No more than 50 items are allowed; 51 were supplied."),
    ({"output": output(annotation(message="é" * 32_769))}, "message exceeds a maximum bytesize of 65536"),
    ({"output": output(annotation(title="a" * 256))}, "Only 255 characters are allowed; 256 were supplied."),
    ({"output": output(annotation(annotation_level="error"))}, 'annotation_level\', "error"'),
    ({"output": output(annotation(end_line=0))}, "end_line is before start_line."),
    ({"output": output(annotation(end_line=2, start_column=1))}, "are for annotations of one line"),
    ({"details_url": "ftp://x.test/"}, "details_url must use http(s) scheme"),
    ({"actions": [{"label": "a", "description": "b", "identifier": "c"}] * 4}, "No more than 3 items are allowed"),
    ({"head_sha": "f" * 40}, f"No commit found for SHA: {'f' * 40}"),
    ({"head_sha": SHA[:7]}, f"No commit found for SHA: {SHA[:7]}"),
]


@pytest.mark.parametrize(("fields", "words"), REFUSED)
async def test_what_github_refuses_is_not_stored(
    client: httpx.AsyncClient, github: FakeGitHub, *, fields: dict[str, object], words: str
) -> None:
    number = (await created(client))["id"]
    before = github.check_runs("acme/site", SHA)
    answers = [await create(client, **fields)]
    if "head_sha" not in fields and fields != {"output": {"summary": "s"}}:  # of a POST alone
        answers.append(await update(client, number, **fields))
    for answer in answers:
        assert answer.status_code == 422
        assert words in answer.text.replace('\\"', '"')
    assert github.check_runs("acme/site", SHA) == before


async def test_what_is_just_within_the_limits_is_taken(client: httpx.AsyncClient) -> None:
    full = annotation(message="é" * 32_768, title="a" * 255, start_column=1, end_column=9)
    many = output(*[annotation()] * 49, full, summary="a" * 65_535)
    assert (await create(client, output=many, conclusion="neutral")).json()["output"]["annotations_count"] == 50


async def test_a_body_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    for body, words in ((b"{", "Problems parsing JSON"), (b"[]", "Body should be a JSON object")):
        answer = await client.post(RUNS, content=body)
        assert (answer.status_code, answer.json()["message"]) == (400, words)
    assert (await client.post(RUNS, json={"name": "docs"})).json()["message"].endswith('"head_sha" wasn\'t supplied.')


async def test_of_more_than_a_thousand_of_a_name_the_oldest_go(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    first = await created(client)
    other = await created(client, name="docs/other")
    (run,) = [one for one in github.check_runs("acme/site", SHA) if one.name == "docs/build"]
    for n in range(1, MAX_RUNS):
        github.add_check_run(replace(run, id=run.id + 10 + n))
    assert len(github.check_runs("acme/site", SHA)) == MAX_RUNS + 1
    await created(client)
    numbers = {one.id for one in github.check_runs("acme/site", SHA)}
    assert len(numbers) == MAX_RUNS + 1
    assert first["id"] not in numbers
    assert other["id"] in numbers


async def test_a_commit_has_statuses_and_check_runs_at_once(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    await created(client)
    assert (await client.post(f"/repos/acme/site/statuses/{SHA}", json={"state": "success"})).status_code == 201
    assert [status.state for status in github.store.held()] == ["success"]
    assert [run.status for run in github.check_runs("acme/site", SHA)] == ["in_progress"]
    held = (await client.get("/_stand_in/check_runs")).json()
    assert [(run["repository"], run["sha"], run["annotations"]) for run in held] == [("acme/site", SHA, [])]
