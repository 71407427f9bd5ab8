"""A docs job whose credential is an App: its check run, through Prefect."""

from functools import partial
from pathlib import Path

import pytest
from flow_rig import Rig
from github_apps import CREDENTIAL, an_app, installation, key_pair
from steps import SteppedTransport

from domain.delivery.report import Phase
from fake_github.app import FakeGitHub
from fake_github.apps import Apps
from fake_github.faults import Kind
from fake_github.in_process import InProcessTransport
from github_api import apps
from github_api.commit_statuses import CommitStatuses

FOUND = "echo 'page.md:1: warning: no such page'; exit {code}"


@pytest.fixture
def app(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """The rig, with an App that may write check runs."""
    app = an_app(installation(checks="write", contents="read"))
    rig.github = FakeGitHub(clock=rig.now, apps=Apps([app]))
    way = SteppedTransport(InProcessTransport(rig.github), rig.publish)
    opening = "tasks.delivery.open_reporter"
    monkeypatch.setattr(f"{opening}.CommitStatuses", partial(CommitStatuses, transport=way))
    monkeypatch.setattr(f"{opening}.Apps", partial(apps.Apps, transport=InProcessTransport(rig.github)))
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / f"{CREDENTIAL.removeprefix('app:')}.pem").write_text(key_pair()[0])
    monkeypatch.setenv("REPORTBACK_APP_KEYS", str(keys))
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", f'{{"*": "{CREDENTIAL}"}}')
    return rig


async def test_it_is_concluded_with_each_warning_at_its_line(app: Rig) -> None:
    app.job_is(FOUND.format(code=0))
    run = await app.run_job()
    assert run.state.is_completed()
    (check,) = app.github.held_check_runs()
    assert (check.name, check.sha, check.status, check.conclusion) == ("docs/sphinx", app.sha, "completed", "success")
    assert [(one.path, one.start_line, one.message) for one in check.annotations] == [("page.md", 1, "no such page")]
    assert app.held() == []


async def test_a_lost_reply_is_looked_for_by_the_tasks_own_retries(app: Rig) -> None:
    app.job_is(FOUND.format(code=2))
    app.fault(Kind.CLOSE, method="PATCH", where="after")
    run = await app.run_job()
    assert run.state.is_failed()
    (check,) = app.github.held_check_runs()
    assert (check.conclusion, len(check.annotations)) == ("failure", 1)
    assert await app.phases() == [("pending", Phase.DELIVERED), ("failure", Phase.DELIVERED)]
