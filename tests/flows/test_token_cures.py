"""A token that GitHub refuses is renewed as the texts say, by the kind of its credential, and the report arrives."""

import os
import re
import subprocess
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from flow_rig import Rig
from flow_runs import run
from prefect.blocks.system import Secret
from prefect.settings import PREFECT_API_URL

from domain.delivery.report import Phase
from domain.operations.remedies import remedy, supply
from fake_github.app import FakeGitHub
from fake_github.in_process import InProcessTransport
from fake_github.surfaces.surface import Rules
from flows.reconcile_reports import reconcile_reports
from github_api.commit_statuses import CommitStatuses
from settings import ROOT

OLD, NEW = "ghp_old0000000000000000000000000000000000", "ghp_new0000000000000000000000000000000000"
BLOCK = "acme-token"


async def refused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job ended whose credential's token GitHub refuses."""
    rig.github = FakeGitHub(Rules(bad_tokens=frozenset({OLD})), clock=rig.now)
    answering = partial(CommitStatuses, transport=InProcessTransport(rig.github))
    monkeypatch.setattr("tasks.delivery.open_reporter.CommitStatuses", answering)
    rig.job_is("echo built", after_pending=False)
    await rig.run_job()
    assert (await phase(rig), rig.states()) == (Phase.DUE, [])


async def phase(rig: Rig) -> Phase:
    return (await rig.phases())[-1][1]


async def test_the_token_of_a_secret_block_is_renewed_without_a_worker_started_anew(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", f'{{"*": "secret:{BLOCK}"}}')
    await Secret(value=OLD).asave(BLOCK, overwrite=True)
    await refused(rig, monkeypatch)
    words = remedy("bad_credentials", f"secret:{BLOCK}")
    assert "No worker has to be started anew" in words
    (command,) = re.findall(r"`(\.venv/bin/python [^`]*)`", words)
    env = {**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value() or ""}
    subprocess.run(("/bin/sh", "-c", command), cwd=ROOT, env=env, input=f"{NEW}\n", check=True, text=True)  # noqa: ASYNC221  # the text's own words
    await run(reconcile_reports)
    assert (await phase(rig), rig.states()[-1]) == (Phase.DELIVERED, "success")


async def test_the_token_of_a_variable_is_that_of_the_worker_s_start(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "env:ACME_TOKEN"
    monkeypatch.setenv("REPORTBACK_CREDENTIALS", f'{{"*": "{name}"}}')
    monkeypatch.setenv("ACME_TOKEN", OLD)
    await refused(rig, monkeypatch)
    words = remedy("bad_credentials", name)
    (variable, file, restart) = re.findall(r"`([^`]*)`", words)
    assert file == "/etc/reportback.env"
    units = {path.stem for path in (ROOT / "ops" / "systemd").glob("*worker*.service")}
    assert restart.split()[:3] == ["sudo", "systemctl", "restart"]
    assert set(restart.split()[3:]) == units
    assert all(f"EnvironmentFile={file}" in (ROOT / "ops" / "systemd" / f"{one}.service").read_text() for one in units)
    rig.skipped += timedelta(minutes=2)
    await run(reconcile_reports)  # in a worker that was not started anew
    assert await phase(rig) is Phase.DUE
    monkeypatch.setenv(variable, NEW)  # as a worker that is started anew has it
    await run(reconcile_reports)
    assert (await phase(rig), rig.states()[-1]) == (Phase.DELIVERED, "success")


def test_the_page_says_the_same() -> None:
    page = (Path(ROOT) / "docs" / "operate.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"`(\.venv/bin/python [^`]*)`", supply("secret:BLOCK"))
    assert f"$ {command}\n" in page
    assert re.findall(r"`(sudo systemctl restart [^`]*)`", supply("env:X"))[0] in page
