"""Real processes ended by SIGKILL at each effect of a check run: one run, each line once."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sender_process import APP_TOKEN, WARM_UP
from sending import killed_anywhere

from fake_github.process import running
from github_api.apps import CHECK_RUNS, AppKey, Apps, Minted, Place
from local.stand_in_app import CLIENT_ID, make_app
from settings import Settings
from storage.ledger import open_ledger

EVERY = 2


async def token_of(api_url: str, pem: str) -> str:
    """A token of the App for acme/site that may write check runs."""
    async with Apps(api_url, Settings().timeout, lambda: datetime.now(UTC)) as apps:
        key = AppKey(CLIENT_ID, pem)
        place = await apps.place_of(key, "acme/site")
        assert isinstance(place, Place)
        minted = await apps.mint(key, place, CHECK_RUNS)
        assert isinstance(minted, Minted)
        return minted.value


@pytest.mark.parametrize(("database", "first"), [("sqlite", 0), ("postgresql", 1)])
async def test_a_process_killed_at_any_of_its_effects_leaves_each_line_once(
    ledger_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    """From accepting a job to its second try, after the reply to its conclusion was lost."""
    app = make_app(tmp_path, "acme")
    async with open_ledger(ledger_url), running("--apps", str(app.file)) as stand_in:
        monkeypatch.setenv(APP_TOKEN, await token_of(stand_in.url, (tmp_path / f"{CLIENT_ID}.pem").read_text()))
        for number in range(60):
            await stand_in.fault("close", method="PATCH", where="after", context=f"docs/{number}")
        lived = await killed_anywhere(ledger_url, stand_in, first, EVERY)
        runs: list[Any] = [*await stand_in.check_runs()]
    held = [(run["name"], run["conclusion"], len(run["annotations"])) for run in runs]
    started = {f"docs/{number}" for number in (*range(first, lived + 1, EVERY), WARM_UP)}
    assert sorted(one for one in held if one[1] != "cancelled") == sorted((name, "success", 3) for name in started)
    assert 15 < lived < 60
