"""Dead flow runs are found whatever fails meanwhile, and report nowhere where a job could not."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from dead_runs import FAILED, accepted, asked, this_machines
from flow_rig import Rig
from flow_runs import log_of, run, run_made, task_runs
from prefect.states import Failed, Pending, Running

from domain.delivery.policy import Policy
from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from storage.jobs import never_started
from storage.maintenance.restored import read_back_everything
from storage.models import Job
from storage.transaction import Transaction
from tasks.runs import never_started as module


async def test_a_broken_jobs_toml_hides_no_job_that_it_kept_from_starting(
    rig: Rig, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = rig.folder / "jobs.toml"
    broken.write_text("version = ", encoding="utf-8")
    monkeypatch.setenv("REPORTBACK_JOBS_FILE", str(broken))
    await asked(rig, deployment, Running(), Failed(), target={"repository": "acme/site", "sha": rig.sha})
    await run(reconcile_reports)
    assert [(one.context, one.description) for one in rig.github.store.held()] == [("docs/sphinx", FAILED[1])]


async def test_while_prefect_cannot_be_asked_reports_are_delivered_and_dead_runs_are_found_later(
    rig: Rig, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise httpx.ConnectError("connection refused")

    await accepted(rig, uuid4(), JobState.SUCCEEDED)
    await asked(rig, deployment, Running(), Failed(), target=rig.target(context="docs/dead"))
    with monkeypatch.context() as patch:
        patch.setattr("tasks.runs.job_runs.get_client", away)
        assert (await run(reconcile_reports)).shows[0] == "COMPLETED"
    assert rig.states() == ["success"]
    await run(reconcile_reports)
    assert rig.states() == ["success", "error"]


async def test_a_pass_that_died_after_it_recorded_is_made_up_for(
    rig: Rig, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> bool:
        raise ValueError("it died")

    await asked(rig, deployment, Running(), Failed())
    with monkeypatch.context() as patch:
        patch.setattr("storage.jobs.never_started.examined", dies)
        await log_of((await run(reconcile_reports)).id, "it died")
    await run(reconcile_reports)
    assert rig.held() == [FAILED]


async def test_a_dead_run_that_cannot_be_recorded_keeps_no_other_waiting(
    rig: Rig, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await asked(rig, deployment, Running(), Failed(), target=rig.target(context="docs/first"))
    await asked(rig, deployment, Running(), Failed())

    def record(tx: Transaction, order: Order, **more: Any) -> bool:  # noqa: ANN401  # the rest of its arguments
        if order.flow_run_id == first:
            raise ValueError("a bug")
        return real(tx, order, **more)

    real = never_started.record
    monkeypatch.setattr(never_started, "record", record)
    done = await run(reconcile_reports)
    assert rig.held() == [FAILED]
    await log_of(done.id, f"flow run {first}, which did not start, cannot be recorded")


async def test_more_dead_runs_than_prefect_lists_at_once_are_all_recorded(
    rig: Rig, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr("tasks.runs.job_runs.PAGE", 2)
    monkeypatch.setattr("tasks.runs.job_runs.MOVED", 1)
    for number in range(5):
        await asked(rig, deployment, Running(), Failed(), target=rig.target(context=f"docs/{number}"))
    await run(reconcile_reports)
    await run(reconcile_reports)
    assert rig.held() == [FAILED] * 5


async def test_a_job_that_a_restored_ledger_has_forgotten_is_not_said_to_have_never_started(
    rig: Rig, deployment: UUID
) -> None:
    await run(reconcile_reports)
    backup = rig.ledger_file.read_bytes()
    rig.job_is("exit 1")
    ended = await asked(rig, deployment, Pending())
    await run_made(docs_job, ended)
    await task_runs(ended, 3)
    assert rig.states() == ["pending", "failure"]
    rig.ledger_file.write_bytes(backup)
    await run(reconcile_reports)
    assert rig.states() == ["pending", "failure"]


async def test_a_run_from_before_a_restore_covers_nothing_that_the_ledger_has_forgotten(
    rig: Rig, deployment: UUID
) -> None:
    await run(reconcile_reports)
    await asked(rig, deployment, Running(), Failed())
    await asked(rig, deployment, Pending(), target=rig.target(context="docs/pending"))
    async with rig.ledger() as ledger:  # as the backup has it: what was accepted since is lost
        await ledger.write(read_back_everything, policy=Policy())
    await run(reconcile_reports)
    assert rig.states() == []


@pytest.mark.parametrize("back", [timedelta(seconds=10), timedelta(minutes=30)])
async def test_a_clock_of_prefects_server_that_was_set_back_hides_no_dead_run(
    rig: Rig, deployment: UUID, back: timedelta
) -> None:
    async with rig.ledger() as ledger:
        await ledger.write(never_started.examined, None, datetime.now(UTC) + back, [])
    await asked(rig, deployment, Running(), Failed())
    await run(reconcile_reports)
    assert rig.held() == [FAILED]


REFUSED: dict[str, dict[str, object]] = {
    "no target that GitHub could have": {"target": {"repository": "acme/site", "sha": "main"}},
    "a target that is no object": {"target": "acme/site"},
    "an unknown job type": {"job": "rm"},
    "no job type": {"job": 17},
    "a repository that is not allowed": {"target": {"repository": "others/site", "sha": "0" * 40}},
}


@pytest.mark.parametrize("parameters", REFUSED.values(), ids=REFUSED)
async def test_a_dead_run_reports_nowhere_where_a_job_could_not(
    rig: Rig, deployment: UUID, parameters: Mapping[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_ALLOWED_REPOSITORIES", "acme/*")
    monkeypatch.setattr(module, "time_of", this_machines)
    died = await asked(rig, deployment, Running(), Failed(), **parameters)
    done = await run(reconcile_reports)
    await log_of(done.id, f"a job never started: job={died}", "nothing is reported: ")
    assert rig.states() == []
    assert await rig.rows(Job) == []
