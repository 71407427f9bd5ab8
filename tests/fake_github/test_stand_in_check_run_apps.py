"""Who may read and write check runs: Apps with the permission, each its own; other tokens only read."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from check_run_rig import (
    COMMIT_RUNS,
    PERMISSIONS,
    RUNS,
    SHA,
    client_of_app,
    create,
    created,
    github_with_app,
    listed,
    update,
)
from github_apps import an_app, app_token, installation
from pydantic import TypeAdapter
from stand_in_rig import SteppedTime, client_of, in_process_client

from fake_github.app import FakeGitHub
from fake_github.apps import App, Installation
from fake_github.process import running


@pytest.fixture
def github(time: SteppedTime) -> FakeGitHub:
    return github_with_app(time)


@pytest.fixture
async def client(github: FakeGitHub) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of_app(github) as client:
        yield client


@pytest.mark.parametrize("granted", [{"statuses": "write"}, {"checks": "read"}])
async def test_an_app_needs_the_permission(time: SteppedTime, granted: dict[str, str]) -> None:
    github = github_with_app(time, permissions=granted)
    async with client_of_app(github) as client:
        refused = await create(client)
        assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
        assert refused.headers["x-accepted-github-permissions"] == "checks=write"
        assert (await client.get(COMMIT_RUNS)).status_code == (200 if "checks" in granted else 403)


async def test_other_tokens_read_and_do_not_write(github: FakeGitHub, client: httpx.AsyncClient) -> None:
    number = (await created(client))["id"]
    async with in_process_client(github) as other:
        for refused in (await create(other), await update(other, number, conclusion="success")):
            assert refused.status_code == 403
            assert refused.json()["message"] == "You must authenticate via a GitHub App."
        assert (await other.get(f"{RUNS}/{number}")).json()["status"] == "in_progress"


async def test_a_run_that_is_gone_or_anothers_is_not_found(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    gone, given, elsewhere = [(await created(client))["id"] for _ in range(3)]
    github.delete_check_run(gone)
    github.change_check_run(given, app_id=43)
    for number in (gone, given, 1):
        assert (await update(client, number, conclusion="cancelled")).status_code == 404
    assert [(await client.get(f"{RUNS}/{number}")).status_code for number in (gone, given)] == [404, 200]
    assert (await client.get(f"{RUNS}/{gone}/annotations")).status_code == 404
    assert (await client.get(f"/repos/acme/other/check-runs/{elsewhere}")).status_code == 404
    assert [run["id"] for run in await listed(client, app_id=42)] == [elsewhere]


async def test_another_apps_token_changes_nothing(client: httpx.AsyncClient, github: FakeGitHub) -> None:
    number = (await created(client))["id"]
    github.apps.apps.append(replace(an_app(installation(8, checks="write")), id=43, client_id="Iv2"))
    async with client_of_app(github, 1) as other:
        assert (await update(other, number, conclusion="success")).status_code == 404
    assert github.check_runs("acme/site", SHA)[0].conclusion is None


async def test_a_stand_in_in_another_process_shows_gives_away_and_deletes_runs(tmp_path: Path) -> None:
    file = tmp_path / "apps.json"
    app = replace(an_app(), permissions=dict(PERMISSIONS), installations=[Installation(7, "acme", dict(PERMISSIONS))])
    file.write_bytes(TypeAdapter(list[App]).dump_json([app]))
    async with running("--apps", str(file)) as stand_in, client_of(stand_in.url) as client:
        client.headers["authorization"] = f"Bearer {app_token(datetime.now(UTC))}"
        made = await client.post("/app/installations/7/access_tokens", json={"permissions": {"checks": "write"}})
        client.headers["authorization"] = f"Bearer {made.json()['token']}"
        first, second = [(await created(client))["id"] for _ in range(2)]
        assert [run["id"] for run in await stand_in.check_runs()] == [first, second]
        await stand_in.give_check_run_to(43, first)
        assert (await update(client, first, conclusion="success")).status_code == 404
        await stand_in.delete_check_run(second)
        (given,) = await stand_in.check_runs()
        assert '"id": 43' in json.dumps(given["app"])
        for failing in (stand_in.delete_check_run(second), stand_in.give_check_run_to(43, second)):
            with pytest.raises(httpx.HTTPStatusError, match="404"):
                await failing
