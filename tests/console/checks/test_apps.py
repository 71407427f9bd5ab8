"""`reportback doctor` says what an App may do, where, and what would be lacking."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from github_apps import CLIENT_ID, CREDENTIAL, an_app, installation, key_pair
from pydantic import TypeAdapter

from console.checks import apps
from domain.jobs.job_type import JobType
from domain.jobs.jobs_file import parse_job_types
from fake_github.apps import App
from fake_github.process import StandIn, running
from settings import Settings

JOBS = b"""
version = 1
[jobs.content]
command = ["true"]
[jobs.content.push]
branch = "content"
paths = ["docs"]
credential = "app:Iv23liReportback0001"
author = "Docs bot <docs@example.com>"
"""


@pytest.fixture
async def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    """A stand-in whose App may not push, and is installed on acme."""
    app = an_app(installation(permissions="read", checks="write", contents="read"))
    app.permissions = {"checks": "write", "contents": "read"}
    (tmp_path / "apps.json").write_bytes(TypeAdapter(list[App]).dump_json([app]))
    key = tmp_path / f"{CLIENT_ID}.pem"
    key.touch(mode=0o600)
    key.write_text(key_pair()[0])
    async with running("--apps", str(tmp_path / "apps.json")) as stand_in:
        monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", stand_in.url)
        monkeypatch.setenv("REPORTBACK_APP_KEYS", str(tmp_path))
        monkeypatch.setenv("REPORTBACK_CREDENTIALS", f'{{"*": "{CREDENTIAL}"}}')
        yield stand_in


def pushing() -> dict[str, JobType]:
    return dict(parse_job_types(JOBS, "jobs.toml"))


async def found(types: dict[str, JobType] | None = None, repository: str | None = None) -> dict[str, str]:
    """What was found, by what is wrong and what is ok."""
    findings = await apps.check(Settings(), types or {}, repository)
    return {f"{'ok' if one.ok else 'WRONG'} {one.what}": one.words for one in findings}


async def test_what_it_may_do_and_where(github: StandIn) -> None:
    seen = await found(repository="acme/site")
    assert "may have checks: write, contents: read" in seen[f"ok {CREDENTIAL}"]
    assert seen[f"ok {CREDENTIAL} on acme"] == "all repositories; all that the App asks for is approved"
    assert seen["ok repository acme/site"] == f"{CREDENTIAL} may write check runs there"
    assert not [what for what in seen if what.startswith("WRONG")]
    assert [one["permissions"] for one in await github.tokens()] == [{"checks": "write", "metadata": "read"}]


async def test_where_reports_are_statuses_the_app_lacks_the_permission_for_them(
    github: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    del github
    monkeypatch.setenv("REPORTBACK_REPORT_AS", '{"acme/*": "status"}')
    lacks = (await found())[f"WRONG {CREDENTIAL}"]
    assert lacks.startswith("it cannot write statuses: give the App *statuses: write*")


async def test_a_job_type_that_pushes_would_lack_a_permission(github: StandIn) -> None:
    del github
    assert (await found(pushing()))[f"WRONG {CREDENTIAL}"].startswith("content cannot push: give the App *contents: w")


@pytest.mark.parametrize(
    ("change", "what", "words"),
    [
        ({"suspended": True}, f"WRONG {CREDENTIAL} on acme", "it is suspended."),
        (
            {"permissions": {"checks": "read"}},
            f"WRONG {CREDENTIAL} on acme",
            "its owner has not approved checks: write, contents: r",
        ),
        (
            {"repositories": ["acme/else"]},
            "WRONG repository acme/site",
            f"the App {CLIENT_ID} is not installed on acme",
        ),
    ],
)
async def test_what_waits_for_an_owner_is_wrong(
    github: StandIn, change: dict[str, object], what: str, words: str
) -> None:
    await github.change_installation(7, **change)
    assert (await found(repository="acme/site"))[what].startswith(words)


async def test_an_app_that_is_installed_nowhere_is_wrong(github: StandIn) -> None:
    await github.uninstall(7)
    assert "installed nowhere" in (await found())[f"WRONG {CREDENTIAL}"]


async def test_a_key_that_is_wrong_missing_or_open_is_said(github: StandIn, tmp_path: Path) -> None:
    del github
    key = tmp_path / f"{CLIENT_ID}.pem"
    key.chmod(0o644)
    assert (await found())[f"WRONG {CREDENTIAL}"] == f"others can read its private key: chmod 600 {key}"
    key.write_text(key_pair(1)[0])
    key.chmod(0o600)
    said = (await found())[f"WRONG {CREDENTIAL}"]
    assert said.startswith(f"GitHub does not accept the private key of the App {CLIENT_ID}: A JSON web token")
    assert f"Make a new private key for the App `{CLIENT_ID}`" in said
    key.unlink()
    assert "cannot be read from" in (await found())[f"WRONG {CREDENTIAL}"]
