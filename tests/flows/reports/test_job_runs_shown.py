"""What waits, is late, runs and never started is in the metrics, on the page and in a shell."""

import json
from uuid import UUID

import pytest
from dead_runs import FAILED, accepted, asked, due
from flow_rig import Rig
from flow_runs import run
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.states import Failed, Pending, Running

from console.runs import list_runs
from domain.operations.job_runs import Standing
from domain.operations.status_page import KEY
from flows.reconcile_reports import reconcile_reports
from storage.operations.metrics import snapshot


async def test_what_waits_runs_and_never_started_is_counted(rig: Rig, deployment: UUID) -> None:
    late, soon = due(-5), due(5)
    for state in (late, late, soon, Pending(), Running()):
        await asked(rig, deployment, state)
    await accepted(rig, await asked(rig, deployment, Running()))
    await asked(rig, deployment, Running(), Failed(), target=None)
    await run(reconcile_reports)
    async with rig.ledger() as ledger:
        shown = await ledger.read(snapshot)
    assert shown.runs is not None
    assert shown.runs.counts == {
        Standing.WAITING: 1, Standing.LATE: 2, Standing.STARTING: 2, Standing.RUNNING: 1,
    }  # fmt: skip
    assert shown.runs.late_since == late.state_details.scheduled_time
    assert shown.never_started == 1
    assert rig.states() == ["pending"]


async def test_a_late_run_is_on_the_page_and_reports_nothing(rig: Rig, deployment: UUID) -> None:
    await asked(rig, deployment, due(-5))
    await run(reconcile_reports)
    async with get_client() as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[KEY]))
        (page,) = await client.read_artifacts(artifact_filter=wanted)
    assert "Jobs: **1 late**, the oldest for 5 min: is there a worker, and is its pool paused?" in str(page.data)
    assert rig.states() == []


async def test_a_person_lists_what_waits_and_what_never_started(
    rig: Rig, deployment: UUID, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    late = await asked(rig, deployment, due(-5))
    starting = await asked(rig, deployment, Pending())
    dead = await asked(rig, deployment, Running(), Failed())
    await run(reconcile_reports)
    capsys.readouterr()
    assert await list_runs(as_json=True) == 0
    shown = {one["run"]: one for one in json.loads(capsys.readouterr().out)}
    assert {run_id: one["state"] for run_id, one in shown.items()} == {
        str(late): "late", str(starting): "starting", str(dead): "never_started",
    }  # fmt: skip
    assert {(one["repository"], one["sha"]) for one in shown.values()} == {("acme/site", rig.sha)}
    assert shown[str(dead)]["words"] == FAILED[1]
    assert await list_runs(late=True, fails_if_any=True) == 1
    out = capsys.readouterr().out
    assert str(late) in out
    assert str(dead) not in out
    assert await list_runs(never_started=True) == 0
    assert f"could not start: {FAILED[1].partition(': ')[2]}" in " ".join(capsys.readouterr().out.split())
