"""Runs one execution without Prefect: however it ends, no process is left and the ledger has its end."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from executions import CutOff, Executions, assert_no_process_is_left, ended_of
from ledger_jobs import begin, end, order
from sqlmodel import col, update
from waiting import until

from domain.jobs.job_states import JobState
from storage.models import Job
from tasks.jobs.execution_spec import Work

UNTIL_TOLD = "touch {0}/began; while [ ! -e {0}/go ]; do sleep 0.02; done"
"""The script of a job that says when it has begun, and succeeds once it may."""


async def change(executions: Executions, work: Work, **values: object) -> None:
    """Change the job's row as another process would."""
    with executions.world.ledger.transaction() as tx:
        tx.session.exec(update(Job).where(col(Job.id) == work.execution.job_id).values(**values))


@pytest.mark.parametrize(
    ("script", "state", "report"),
    [
        ("echo built", JobState.SUCCEEDED, "success"),
        ("exit 3", JobState.FAILED, "failure"),
        ("kill -9 $$", JobState.CRASHED, "error"),
        ("sleep 60", JobState.TIMED_OUT, "error"),
    ],
)
async def test_the_end_and_its_report_are_stored_together(
    executions: Executions, script: str, state: JobState, report: str
) -> None:
    work = await executions.accept(script, timeout=60 if state is not JobState.TIMED_OUT else 0.2)
    ended = ended_of(await executions.carry_out(work))
    assert ended.state is state
    assert (await executions.job(work)).state is state
    assert (await executions.reports())[1:] == [(report, ended.summary)]


async def test_the_output_is_handed_on_line_by_line_without_secrets_and_paths(
    executions: Executions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of-the-jobs-own")
    ended = await executions.run('echo "$A_SECRET and a-token"; echo "in $PWD/page.md"; exit 1', env=("A_SECRET",))
    assert executions.lines == ["*** and ***", "in page.md"]
    assert ended.summary == "exit code 1: in page.md"


async def test_the_command_sees_no_token_of_the_flow(executions: Executions, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPORTBACK_GITHUB_TOKEN", "GITHUB_TOKEN", "PREFECT_API_KEY", "REPORTBACK_DATABASE_URL"):
        monkeypatch.setenv(name, "a-secret")
    await executions.run("env")
    seen = {line.partition("=")[0] for line in executions.lines if not line.startswith("LC_")}
    assert seen <= {"PATH", "LANG", "HOME", "TMPDIR", "PWD", "_", "SHLVL"}


async def test_a_job_that_was_cancelled_behind_its_back_is_ended_and_its_caller_reports_it(
    executions: Executions, tmp_path: Path
) -> None:
    work, running = await executions.start_family(tmp_path)
    executions.why_cancelled = "cancelled: its flow run was deleted in Prefect"
    ended = ended_of(await running)
    assert_no_process_is_left(tmp_path)
    assert (await executions.job(work)).state is ended.state is JobState.CANCELLED
    assert (await executions.reports())[1:] == [("error", "cancelled: its flow run was deleted in Prefect")]


async def test_a_prefect_that_cannot_be_asked_is_no_reason_to_end_a_job(
    executions: Executions, tmp_path: Path, logged: list[str]
) -> None:
    async def away() -> str:
        raise ConnectionError("connection refused")

    running = executions.start(await executions.accept(UNTIL_TOLD.format(tmp_path)), why_cancelled=away)
    await until(lambda: len(logged) >= 2)
    (tmp_path / "go").touch()
    assert ended_of(await running).state is JobState.SUCCEEDED
    assert logged[0] == "Prefect could not be asked: connection refused"


async def test_a_job_that_was_taken_over_is_killed_and_reports_nothing(executions: Executions, tmp_path: Path) -> None:
    work, running = await executions.start_family(tmp_path)
    await change(executions, work, execution=2)
    assert await running is None
    assert_no_process_is_left(tmp_path)
    assert (await executions.reports())[1:] == []


async def test_a_job_that_was_taken_over_at_its_very_end_reports_nothing(executions: Executions) -> None:
    work = await executions.accept("true")
    await begin(executions.world.ledger, work.execution)
    await change(executions, work, execution=2, state=JobState.WAITING)
    assert await executions.carry_out(work) is None
    assert (await executions.job(work)).state is JobState.WAITING


async def test_an_execution_ended_by_another_process_is_not_begun(executions: Executions) -> None:
    work = await executions.accept("echo no")
    await end(executions.world.ledger, work.execution, JobState.CRASHED)
    assert await executions.carry_out(work) is None
    assert executions.lines == []


async def test_a_job_gives_signs_of_life_while_it_runs(executions: Executions, tmp_path: Path) -> None:
    work = await executions.accept(UNTIL_TOLD.format(tmp_path))
    running = executions.start(work)
    await until((tmp_path / "began").exists)
    executions.world.clock.advance(25)

    async def has_beaten() -> bool:
        return (await executions.job(work)).beat_at == executions.world.clock.now

    await until(has_beaten)
    running.cancel()
    await asyncio.wait({running})


async def test_a_job_wrongly_thought_lost_supersedes_its_error(executions: Executions, tmp_path: Path) -> None:
    work = await executions.accept(UNTIL_TOLD.format(tmp_path))
    running = executions.start(work)
    await executions.until_it_is(work, JobState.RUNNING)
    await end(executions.world.ledger, work.execution, JobState.LOST, "no sign of life")
    await executions.until_it_is(work, JobState.RUNNING)
    (tmp_path / "go").touch()
    ended_of(await running)
    await executions.world.deliver()
    assert [state for state, _ in await executions.reports()] == ["pending", "error", "success"]
    assert executions.world.held() == ["success"]


async def test_a_ledger_unavailable_while_the_job_runs_does_not_end_it(
    executions: Executions, tmp_path: Path, logged: list[str]
) -> None:
    connection = CutOff()
    work = await executions.accept(UNTIL_TOLD.format(tmp_path))
    running = executions.start(work, by=connection.reporter(executions.world))
    await until((tmp_path / "began").exists)
    connection.is_down = True
    await until(lambda: len(logged) >= 2)
    connection.is_down = False
    (tmp_path / "go").touch()
    assert ended_of(await running).state is JobState.SUCCEEDED
    assert "the heartbeat could not be stored: " in logged[0]
    assert "the ledger is unavailable" in logged[0]


async def test_an_unexpected_exception_ends_the_job_as_an_error(executions: Executions, logged: list[str]) -> None:
    def fail(_: str) -> None:
        raise KeyError("our own bug")

    ended = ended_of(await executions.carry_out(await executions.accept("echo a line"), on_line=fail))
    assert (ended.state, ended.summary) == (JobState.CRASHED, "could not be run: KeyError")
    assert "our own bug" in logged[0]
    assert (await executions.reports())[1:] == [("error", "could not be run: KeyError")]


async def test_without_a_target_nothing_is_recorded(executions: Executions) -> None:
    ended = await executions.run("true", replace(order(), target=None, url=None, credential=""))
    assert ended.report is None
    assert await executions.reports() == []
