"""The App of `reportback up --check-runs`: the stand-in takes its key, and lets it write check runs."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fake_github.process import running
from github_api.apps import CHECK_RUNS, AppKey, Apps, Minted, Place
from github_api.credentials import key_file
from local.stand_in_app import CLIENT_ID, make_app
from local.up import up
from settings import Settings


async def test_its_token_may_write_check_runs_of_the_owner(tmp_path: Path) -> None:
    app = make_app(tmp_path, "acme")
    keys = Path(app.settings["REPORTBACK_APP_KEYS"])
    pem = key_file(keys, CLIENT_ID)
    assert pem.stat().st_mode & 0o077 == 0
    async with (
        running("--apps", str(app.file)) as stand_in,
        Apps(stand_in.url, Settings().timeout, lambda: datetime.now(UTC)) as apps,
    ):
        key = AppKey(CLIENT_ID, pem.read_text())
        place = await apps.place_of(key, "acme/site")
        assert isinstance(place, Place)
        assert isinstance(await apps.mint(key, place, CHECK_RUNS), Minted)


async def test_check_runs_of_the_real_github_are_no_option_of_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPORTBACK_GITHUB_TOKEN", "a-token-of-the-team")
    with pytest.raises(ValueError, match="--check-runs is for the stand-in"):
        await up(check_runs=True)
