"""Fixtures: a Prefect server to submit jobs to, outside GitHub Actions."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import respx
from prefect.settings import PREFECT_API_URL, temporary_settings
from submitting import API, DEPLOYMENT, FLOW, Prefect

from console.submission import follow, unreachable

JOBS = """
version = 1
[jobs.sphinx]
command = ["true"]
options.processes = {type = "integer", minimum = 1, maximum = 8, args = ["-j", "{value}"]}
"""


@pytest.fixture
def prefect() -> Prefect:
    return Prefect()


@pytest.fixture
def server(prefect: Prefect) -> Iterator[respx.Router]:
    with (
        temporary_settings({PREFECT_API_URL: API}),
        respx.mock(base_url=API, assert_all_called=False) as router,
    ):
        router.post("/work_pools/filter").respond(json=[])
        router.get("/work_pools/reportback-jobs").mock(side_effect=prefect.pool)
        router.post("/work_pools/reportback-jobs/queues/filter").respond(json=[])
        router.post("/work_pools/reportback-jobs/workers/filter").mock(side_effect=prefect.workers)
        router.get("/csrf-token").respond(422, json={"detail": "CSRF protection is disabled."})
        router.get("/deployments/name/docs-job/docs-job").respond(
            json={"id": DEPLOYMENT, "name": "docs-job", "flow_id": FLOW}
        )
        router.post(f"/deployments/{DEPLOYMENT}/create_flow_run", name="start").mock(side_effect=prefect.start)
        router.get(path__regex=r"/flow_runs/[0-9a-f-]+", name="read").mock(side_effect=prefect.read)
        router.post("/task_runs/filter").mock(side_effect=prefect.reports)
        router.post("/artifacts/filter").mock(side_effect=prefect.bars)
        yield router


@pytest.fixture(autouse=True)
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside GitHub Actions, one job type, and a patience that tests can wait for."""
    for name in ("GITHUB_ACTIONS", "GITHUB_EVENT_PATH", "REPORTBACK_GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "jobs.toml").write_text(JOBS, encoding="utf-8")
    monkeypatch.setenv("REPORTBACK_JOBS_FILE", str(tmp_path / "jobs.toml"))
    monkeypatch.setenv("REPORTBACK_GITHUB_API_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(unreachable, "GIVE_UP_AFTER", timedelta(seconds=0.5))
    monkeypatch.setattr(unreachable, "RETRY_EVERY", timedelta(seconds=0.01))
    monkeypatch.setattr(follow, "POLL_EVERY", timedelta(0))
    monkeypatch.setattr(follow, "SHOWN_LATER", timedelta(0))
