"""`reportback app create` makes an App from a manifest, and keeps its key where the settings read it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx
import pytest
from waiting import until

from console.github_app.create import create
from console.github_app.manifest_page import code_from_github
from fake_github.process import StandIn, running
from github_api.apps import PUSH, AppKey
from github_api.setup_check import AppDiagnostics
from local.stack import free_port
from settings import Settings
from tasks.delivery.open_reporter import secret_of


@pytest.fixture
async def github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    """A stand-in GitHub without Apps, which the settings name."""
    apps = tmp_path / "apps.json"
    apps.write_text("[]")
    async with running("--apps", str(apps)) as stand_in:
        monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", stand_in.url)
        monkeypatch.setenv("REPORTBACK_APP_KEYS", str(tmp_path / "keys"))
        yield stand_in


async def press_the_buttons(port: int) -> str:
    """What a browser shows in the end."""
    async with httpx.AsyncClient(trust_env=False) as browser:
        page = ""

        async def shows() -> bool:
            nonlocal page
            try:
                page = (await browser.get(f"http://127.0.0.1:{port}/")).text
            except httpx.ConnectError:
                return False
            return True

        await until(shows)
        address, value = re.findall(r'action="([^"]*)"|value="([^"]*)"', page)
        posted = await browser.post(unescape(address[0]), data={"manifest": unescape(value[1])})
        return (await browser.get(posted.headers["location"])).text


@pytest.mark.parametrize("organization", [None, "acme"])
async def test_an_app_is_made_in_a_browser_and_its_key_kept_for_this_user_alone(
    github: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str], organization: str | None
) -> None:
    port = free_port()
    making = asyncio.create_task(create(port=port, push=True, organization=organization))
    assert "go back to the terminal" in await press_the_buttons(port)
    await making
    (key,) = (tmp_path / "keys").glob("*.pem")
    (env,) = (tmp_path / "keys").glob("*.env")
    assert [one.stat().st_mode & 0o777 for one in (key, env, key.parent)] == [0o600, 0o600, 0o700]
    lines = dict(line.split("=", 1) for line in env.read_text().splitlines())
    name = json.loads(lines["REPORTBACK_CREDENTIALS"].strip("'"))["*"]
    assert name == f"app:{key.stem}"
    settings = Settings()
    assert Settings(credentials={"*": name}, app_keys=lines["REPORTBACK_APP_KEYS"]).app_keys == settings.app_keys
    pem = await secret_of(name, settings.app_keys)
    async with AppDiagnostics(github.url, settings.timeout, lambda: datetime.now(UTC)) as asked:
        about = await asked.about(AppKey(key.stem, pem))
    assert getattr(about, "permissions", None) == {"checks": "write", "statuses": "write", **PUSH}
    said = capsys.readouterr()
    assert "PRIVATE KEY" not in said.out + said.err
    assert "/installations/new" in said.out


async def test_a_manifest_can_be_posted_elsewhere_and_finished_by_its_code(
    github: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await create(print_manifest=True, name="Docs of acme", organization="acme")
    said = capsys.readouterr()
    assert f"{github.url}/organizations/acme/settings/apps/new" in said.err
    manifest = json.loads(said.out)
    assert manifest["default_permissions"] == {"checks": "write", "statuses": "write", "contents": "read"}
    async with httpx.AsyncClient(trust_env=False) as browser:
        posted = await browser.post(f"{github.url}/settings/apps/new", data={"manifest": json.dumps(manifest)})
    code = httpx.URL(posted.headers["location"]).params["code"]
    await create(code=code)
    assert len(list((tmp_path / "keys").glob("*.pem"))) == 1
    with pytest.raises(ValueError, match="GitHub has not given the App: HTTP 404: Not Found"):
        await create(code=code)


async def test_the_page_takes_a_code_from_the_browser_that_began_there_alone() -> None:
    port = free_port()
    waiting = asyncio.create_task(code_from_github("http://github.test/new", {"name": 'a"b'}, port))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as browser:

        async def answers() -> bool:
            try:
                return (await browser.get("/")).status_code == 200
            except httpx.ConnectError:
                return False

        await until(answers)
        page = (await browser.get("/")).text
        assert json.loads(unescape(re.findall(r'value="([^"]*)"', page)[0])) == {"name": 'a"b'}
        for asked in ("/created?code=theirs", "/created?code=theirs&state=guessed", "/created"):
            assert (await browser.get(asked)).status_code == 400
        assert (await browser.get("/else")).status_code == 404
        assert (await browser.post("/")).status_code == 404
        assert not waiting.done()
        state = re.findall(r"state=([\w-]+)", page)[0]
        await browser.get(f"/created?code=ours&state={state}")
    assert await waiting == "ours"
