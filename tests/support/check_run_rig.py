"""An App's client of the stand-in, and check runs that it makes there."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from github_apps import an_app
from stand_in_rig import SteppedTime, in_process_client

from fake_github.app import FakeGitHub
from fake_github.apps import Apps, Installation
from fake_github.exchange import Json
from fake_github.surfaces.surface import Rules

SHA = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"
PERMISSIONS = {"checks": "write", "statuses": "write"}
RUNS = "/repos/acme/site/check-runs"
COMMIT_RUNS = f"/repos/acme/site/commits/{SHA}/check-runs"


def github_with_app(
    time: SteppedTime, rules: Rules | None = None, permissions: Mapping[str, str] = PERMISSIONS
) -> FakeGitHub:
    """A stand-in with an App on acme, which may write check runs and statuses unless *permissions* say otherwise."""
    at = Installation(7, "acme", dict(permissions))
    return FakeGitHub(rules, clock=time, sleep=time.sleep, apps=Apps([an_app(at)]))


def token_of(github: FakeGitHub, number: int = 0) -> str:
    """A token of the App *number*, with all that its first installation has."""
    app = github.apps.apps[number]
    at = app.installations[0]
    now = github.store.clock()
    return github.apps.make(app, at, at.permissions, None, now=now, works_in=now - now)[0]


@asynccontextmanager
async def client_of_app(github: FakeGitHub, number: int = 0) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the token of an App."""
    async with in_process_client(github) as client:
        client.headers["authorization"] = f"Bearer {token_of(github, number)}"
        yield client


def annotation(line: int = 1, **fields: object) -> Json:
    """An annotation as a request has it."""
    at = {"path": "docs/index.md", "start_line": line, "end_line": line}
    return {**at, "annotation_level": "warning", "message": f"line {line}", **fields}


def output(*annotations: Json, summary: str = "1 page", title: str = "Built") -> Json:
    """The output of a request."""
    return {"title": title, "summary": summary, "annotations": list(annotations)}


async def create(client: httpx.AsyncClient, **fields: object) -> httpx.Response:
    """Ask for a check run."""
    return await client.post(RUNS, json={"name": "docs/build", "head_sha": SHA, **fields})


async def created(client: httpx.AsyncClient, **fields: object) -> Any:  # noqa: ANN401  # GitHub's own body
    """The body of a check run that was made."""
    response = await create(client, status="in_progress", **fields)
    assert response.status_code == 201, response.text
    return response.json()


async def update(client: httpx.AsyncClient, number: int, **fields: object) -> httpx.Response:
    """Ask for a change of a check run."""
    return await client.patch(f"{RUNS}/{number}", json=fields)


async def listed(client: httpx.AsyncClient, **query: object) -> list[Any]:
    """The bodies of the runs of the commit, newest first; all unless *query* says otherwise."""
    response = await client.get(COMMIT_RUNS, params={"filter": "all", **query})  # type: ignore[dict-item]  # texts
    assert response.status_code == 200, response.text
    found: list[Any] = response.json()["check_runs"]
    return found
