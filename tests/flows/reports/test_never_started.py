"""A flow run that dies before its job is accepted shows on its commit, and never over what was asked for later."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from flow_rig import Rig
from flow_runs import deployed, log_of, run, run_again, run_made, state_name_of, task_runs
from ledger_jobs import begin, end
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Cancelling, Completed, Crashed, Failed, Pending, Running, Scheduled
from sqlmodel import update

from console.runs import list_runs
from domain.jobs.execution import Execution, Order
from domain.jobs.job_states import JobState
from domain.operations.job_runs import Standing
from domain.operations.status_page import KEY
from flows.docs_job import docs_job
from flows.reconcile_reports import reconcile_reports
from storage.jobs import jobs, never_started
from storage.models import Job, LedgerIdentity
from storage.operations.metrics import snapshot
from storage.transaction import Transaction
from tasks.process.identity import this_process
from tasks.runs import never_started as module
from tasks.runs.job_runs import have_started

OTHERS = "ledger:0b0e8a80-0000-4000-8000-000000000000"
FAILED = ("error", "could not start: its flow run failed before the job was accepted")
CRASHED = ("error", "could not start: its process died before the job was accepted")
WORKER_DIED = ("error", "could not start: its worker died before the job was accepted")


@pytest.fixture
async def deployment(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> UUID:
    """A deployment of docs-job that names the rig's ledger, as the reconciliation does."""
    mine = uuid4()  # of this test: all share a Prefect server, and the ledger's template
    async with rig.ledger() as ledger:
        await ledger.write(lambda tx: tx.session.exec(update(LedgerIdentity).values(id=mine)))
    monkeypatch.setenv("REPORTBACK_LEDGER_ID", str(mine))
    return await deployed(docs_job, tags=[f"ledger:{mine}"])


@pytest.fixture
def is_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every flow run has been in its state for longer than any span after which it counts as dead."""
    for name in ("NO_HEARTBEAT", "LONGEST_START"):
        monkeypatch.setattr(f"domain.operations.job_runs.{name}", timedelta(seconds=-60))


async def this_machines(_: PrefectClient) -> datetime:
    """The exact time of the test's Prefect server."""
    return datetime.now(UTC)


async def worker(name: str) -> dict[str, str]:
    """A worker that has just sent a heartbeat; the labels that it gives to its flow runs."""
    pool = str(uuid4())
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
        await client.send_worker_heartbeat(pool, name)
    return {"prefect.worker.name": name, "prefect.work-pool.name": pool}


async def taken(run_id: UUID, labels: Mapping[str, str]) -> UUID:
    async with get_client() as client:
        await client.update_flow_run_labels(run_id, dict(labels))
    return run_id


async def asked(rig: Rig, deployment: UUID, *states: State[None], **parameters: object) -> UUID:
    """A flow run for the rig's commit that has gone through *states*."""
    given = {"job": "sphinx", "target": rig.target(), **parameters}
    async with get_client() as client:
        made = await client.create_flow_run_from_deployment(
            deployment, parameters={name: one for name, one in given.items() if one is not None}, state=states[0]
        )
        for state in states[1:]:
            await client.set_flow_run_state(made.id, state, force=True)
    return made.id


async def accepted(rig: Rig, run_id: UUID, state: JobState | None = None) -> None:
    """Accept the job of a flow run, and end it in *state*."""
    async with rig.ledger() as ledger:
        taken = await ledger.write(jobs.accept, rig.order(run_id), by=this_process())
        assert isinstance(taken, Execution)
        if state is not None:
            await begin(ledger, taken)
            await end(ledger, taken, state)


async def test_a_run_that_failed_before_its_job_was_accepted_shows_on_its_commit(rig: Rig, deployment: UUID) -> None:
    await asked(rig, deployment, Running(), Failed())
    done = await run(reconcile_reports)
    assert rig.held() == [FAILED]
    assert done.shows[2] == "delivered 1, undelivered 0"
    await run(reconcile_reports)
    assert rig.held() == [FAILED]


async def test_a_run_whose_process_died_while_it_started_shows_on_its_commit(rig: Rig, deployment: UUID) -> None:
    await asked(rig, deployment, Pending(), Crashed())
    await run(reconcile_reports)
    assert rig.held() == [CRASHED]


async def test_a_dead_run_never_covers_what_was_accepted_after_it_was_asked_for(rig: Rig, deployment: UUID) -> None:
    await asked(rig, deployment, Running(), Failed())
    rig.skipped += timedelta(seconds=5)
    await accepted(rig, await asked(rig, deployment, Running()), JobState.SUCCEEDED)
    rig.skipped -= timedelta(seconds=5)
    await run(reconcile_reports)
    assert rig.states() == ["success"]
    assert ("error", "superseded") in [(state, phase.value) for state, phase in await rig.phases()]


async def test_a_dead_run_covers_what_was_accepted_before_it_was_asked_for(rig: Rig, deployment: UUID) -> None:
    rig.skipped -= timedelta(seconds=10)
    await accepted(rig, uuid4(), JobState.SUCCEEDED)
    rig.skipped += timedelta(seconds=10)
    await run(reconcile_reports)
    await asked(rig, deployment, Running(), Failed())
    await run(reconcile_reports)
    assert rig.held()[-1] == FAILED
    assert rig.states() == ["success", "error"]


@pytest.mark.usefixtures("is_long_ago")
async def test_what_is_not_dead_is_left_alone(rig: Rig, deployment: UUID) -> None:
    others, untagged = await deployed(docs_job, tags=[OTHERS]), await deployed(docs_job)
    states: tuple[State[None], ...] = (Cancelled(), Cancelling(), Completed(), Scheduled())
    for number, state in enumerate(states):
        await asked(rig, deployment, Running(), state, target=rig.target(context=f"docs/{number}"))
    for another in (others, untagged):
        await asked(rig, another, Running(), Failed(), target=rig.target(context="docs/others"))
    async with get_client() as client:  # as `make deploy` for another ledger does
        await client.update_deployment(others, DeploymentUpdate(tags=(await client.read_deployment(deployment)).tags))
    at_work = await asked(rig, deployment, Running())
    await accepted(rig, at_work)
    await run(reconcile_reports)
    assert rig.states() == ["pending"]


async def test_a_run_that_may_still_start_is_left_alone(rig: Rig, deployment: UUID) -> None:
    await taken(await asked(rig, deployment, Pending()), {"prefect.worker.name": "gone"})
    await taken(await asked(rig, deployment, Running()), await worker("alive"))
    await run(reconcile_reports)
    assert rig.states() == []


async def test_a_run_whose_worker_died_shows_on_its_commit(
    rig: Rig, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domain.operations.job_runs.NO_HEARTBEAT", timedelta(seconds=-60))
    alive = await worker("alive")
    await taken(await asked(rig, deployment, Pending(), target=rig.target(context="docs/b")), alive)
    dead = await taken(await asked(rig, deployment, Pending()), {**alive, "prefect.worker.name": "dead"})
    await run(reconcile_reports)
    assert rig.held() == [WORKER_DIED]
    assert await state_name_of(dead) == "Crashed"


@pytest.mark.usefixtures("is_long_ago")
async def test_a_run_that_hangs_before_its_job_is_accepted_shows_on_its_commit(rig: Rig, deployment: UUID) -> None:
    await taken(await asked(rig, deployment, Running()), await worker("alive"))
    await run(reconcile_reports)
    assert rig.held() == [("error", "could not start: its job was not accepted within 10 minutes")]


async def test_a_run_that_starts_after_all_has_its_own_outcome(rig: Rig, deployment: UUID) -> None:
    died = await asked(rig, deployment, Running(), Failed())
    await run(reconcile_reports)
    assert rig.held() == [FAILED]
    await run_again(docs_job, died)
    assert rig.states() == ["error", "pending", "success"]
    await run(reconcile_reports)
    assert rig.states() == ["error", "pending", "success"]


async def test_a_run_that_was_accepted_meanwhile_is_not_recorded(
    rig: Rig, deployment: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = await asked(rig, deployment, Running(), Failed())

    async def meanwhile(client: PrefectClient, run_ids: Sequence[UUID]) -> set[UUID]:
        await accepted(rig, died)
        return await have_started(client, run_ids)

    monkeypatch.setattr(module, "have_started", meanwhile)
    await run(reconcile_reports)
    assert rig.states() == ["pending"]


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


async def test_what_waits_runs_and_never_started_is_counted(rig: Rig, deployment: UUID) -> None:
    late: State[None] = Scheduled(scheduled_time=datetime.now(UTC) - timedelta(minutes=5))
    soon: State[None] = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(minutes=5))
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
    await asked(rig, deployment, Scheduled(scheduled_time=datetime.now(UTC) - timedelta(minutes=5)))
    await run(reconcile_reports)
    async with get_client() as client:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[KEY]))
        (page,) = await client.read_artifacts(artifact_filter=wanted)
    assert "Jobs: **1 late**, the oldest for 5 min: is there a worker, and is its pool paused?" in str(page.data)
    assert rig.states() == []


async def test_a_person_lists_what_waits_and_what_never_started(
    rig: Rig, deployment: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    late = await asked(rig, deployment, Scheduled(scheduled_time=datetime.now(UTC) - timedelta(minutes=5)))
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
