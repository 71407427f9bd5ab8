"""A docs job run by Prefect: the flow run ends in the job's state, and its commit gets the outcome once."""

from datetime import timedelta
from typing import Any

import pytest
from flow_rig import TOKEN, Rig
from flow_runs import artifacts_of, log_of, page_of, task_runs
from prefect.client.schemas.objects import StateType
from sqlalchemy import Engine
from waiting import until

from domain.delivery.report import Phase
from domain.jobs.job_states import JobState
from domain.text import UNSEEN
from fake_github.faults import Kind
from storage import ledger as module
from storage.engines import make_engine


async def test_a_job_that_builds_is_pending_and_then_a_success(rig: Rig) -> None:
    done = await rig.run_job()
    assert done.shows[:2] == ("COMPLETED", "Completed")
    assert done.shows[2].startswith("succeeded in ")
    assert rig.held() == [("pending", "sphinx is under way"), ("success", done.shows[2])]
    assert (await rig.job()).state is JobState.SUCCEEDED


async def test_a_flow_run_opens_its_ledger_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = list[object]()

    def noted(url: str, **rest: Any) -> Engine:  # noqa: ANN401  # handed on
        opened.append(url)
        return make_engine(url, **rest)

    monkeypatch.setattr(module, "make_engine", noted)
    await rig.run_job()
    assert opened == [rig.database_url]


async def test_the_outcome_does_not_wait_for_the_note_of_the_tokens(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object) -> None:
        await until(lambda: "success" in rig.states())

    monkeypatch.setattr("flows.docs_job.note_tokens", slow)
    done = await rig.run_job()
    assert "this worker's tokens are not noted" not in await log_of(done.id, "success")
    assert rig.states() == ["pending", "success"]


ENDS = {
    "a command that fails": (
        "sphinx",
        "echo 'Error: page.md: no title'; exit 3",
        ("Failed", "exit code 3: Error: page.md: no title"),
        "failure",
    ),
    "a time limit": ("linkcheck", "sleep 60", ("TimedOut", "stopped after its time limit of 1 s"), "error"),
    "a command that is not there": ("mkdocs", "", ("Crashed", "cannot start 'no-such-program': not found;"), "error"),
}


@pytest.mark.parametrize("end", ENDS)
async def test_every_other_end_is_the_flow_runs_state_and_the_commits_status(rig: Rig, end: str) -> None:
    job, script, (name, words), status = ENDS[end]
    rig.job_is(script)
    done = await rig.run_job(job)
    assert done.shows[:2] == ("FAILED", name)
    assert done.shows[2].startswith(words)
    assert rig.held()[-1] == (status, done.shows[2])
    assert set(rig.states()[:-1]) <= {"pending"}


async def test_a_commit_that_is_not_there_is_an_error_without_any_path(rig: Rig) -> None:
    done = await rig.run_job(target=rig.target(sha="0" * 40))
    assert done.shows[:2] == ("FAILED", "Crashed")
    assert done.shows[2].startswith("cannot check out 000000000000: ")
    assert "/" not in done.shows[2].replace("…/", "")
    assert rig.held()[-1] == ("error", done.shows[2])


async def test_the_job_runs_in_a_checkout_of_the_commit_it_reports_on(rig: Rig) -> None:
    rig.job_is("ls > {folder}/notes; git rev-parse HEAD >> {folder}/notes")
    await rig.run_job()
    assert rig.noted() == ["page.md", rig.sha]


async def test_no_target_runs_in_an_empty_folder_and_reports_nothing(rig: Rig) -> None:
    rig.job_is("ls -A > {folder}/notes; echo ran >> {folder}/notes", after_pending=False)
    done = await rig.run_job(target=None)
    assert done.shows[0] == "COMPLETED"
    assert rig.noted() == ["ran"]
    assert list(rig.github.requests.seen) == []
    assert await rig.phases() == []


async def test_options_reach_the_command_as_arguments(rig: Rig) -> None:
    rig.job_is('echo "$@" > {folder}/notes', after_pending=False)
    await rig.run_job(options={"processes": 8}, target=None)
    assert rig.noted() == ["-j 8"]


async def test_pending_never_delays_the_job(rig: Rig) -> None:
    async def hold_back_until_the_job_has_run(name: str) -> None:
        if name == "POST":
            await until(lambda: bool(rig.noted()))

    rig.job_is("echo ran > {folder}/notes", after_pending=False)
    rig.step = hold_back_until_the_job_has_run
    done = await rig.run_job()
    assert done.shows[0] == "COMPLETED"
    assert rig.states() == ["pending", "success"]


LEFT = "LeftToReconciliation"
LOST_PENDING: dict[str, tuple[Kind, dict[str, object], list[str], str]] = {
    "its reply is lost": (Kind.CLOSE, {"where": "after"}, ["pending", "success"], LEFT),
    "github refuses it": (Kind.ARCHIVED, {}, ["success"], "Failed"),
    "the commit may still arrive": (Kind.NO_SUCH_COMMIT, {}, ["success"], LEFT),
    "github asks for a pause of a second": (Kind.PRIMARY_LIMIT, {"seconds": 0.5}, ["success"], LEFT),
}


@pytest.mark.parametrize("case", LOST_PENDING)
async def test_a_pending_that_fails_has_one_try_and_the_job_goes_on(rig: Rig, case: str) -> None:
    """Its task fails only where an operator has to act."""
    kind, fields, states, shown = LOST_PENDING[case]
    rig.fault(kind, state="pending", **fields)
    rig.job_is("sleep 0.7")
    done = await rig.run_job()
    assert done.shows[0] == "COMPLETED"
    assert rig.states() == states
    seen = await task_runs(done.id, 3)
    assert {name: one.state_name for name, one in seen.items()} == {
        "report_pending": shown,
        "run_job": "Completed",
        "report_status": "Completed",
    }
    pending = seen["report_pending"]
    assert pending.run_count == 1
    assert pending.state_type is (StateType.FAILED if shown == "Failed" else StateType.COMPLETED)
    assert str(pending.state and pending.state.message).startswith("left to the reconciliation") == (shown == LEFT)


async def test_a_report_that_is_refused_is_a_failed_task_of_a_completed_flow_run(rig: Rig) -> None:
    rig.fault(Kind.ARCHIVED, state="success")
    done = await rig.run_job()
    assert done.shows[0] == "COMPLETED"
    assert await rig.phases() == [("pending", Phase.DELIVERED), ("success", Phase.REJECTED)]
    failed = (await task_runs(done.id, 3))["report_status"]
    assert failed.state_name == "Failed"
    assert "Repository was archived" in str(failed.state and failed.state.message)


async def test_the_output_is_in_the_flow_runs_log(rig: Rig) -> None:
    rig.job_is("echo 'reading page.md'; echo 'a warning' >&2")
    done = await rig.run_job()
    assert await log_of(done.id, "reading page.md", "a warning")


async def test_control_sequences_reach_no_log_state_page_or_status(rig: Rig) -> None:
    hostile = "\x1b]0;mine\afatal: \x1b]8;;https://evil.example\x1b\\it\x1b]8;;\a\u202e \x9b1mfails\b"
    rig.job_is(f"printf %s '{hostile}'; exit 1")
    done = await rig.run_job()
    words = "fatal: it fails"
    shown = [done.shows[2], rig.held()[-1][1], await page_of(done.id), await log_of(done.id, words)]
    assert [text for text in shown if words not in text or UNSEEN.search(text)] == []


@pytest.mark.parametrize("secret", [TOKEN, "of-the-job's-own"])
async def test_a_secret_in_the_output_is_masked_in_log_state_page_ledger_and_status(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setenv("A_SECRET", "of-the-job's-own")
    rig.job_is(f'echo "fatal: with {secret} it fails"; exit 1')
    done = await rig.run_job()
    assert done.shows[2] == "exit code 1: fatal: with *** it fails"
    assert rig.held()[1] == ("failure", done.shows[2])
    assert secret not in await log_of(done.id, "fatal: with *** it fails")
    assert (await rig.job()).summary == done.shows[2]
    assert secret.encode() not in rig.ledger_file.read_bytes()
    page = await page_of(done.id)
    assert "fatal: with *** it fails" in page
    assert secret not in page


async def test_progress_in_the_output_is_a_bar(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.operations.progress_bar.EVERY", timedelta(seconds=0.05))
    rig.job_is("echo 'Progress: 5/10'; sleep 1")
    done = await rig.run_job()
    (bar,) = await artifacts_of(done.id, "progress")
    assert (bar.type, bar.data) == ("progress", 50.0)
    assert bar.description == f"sphinx for acme/site@{rig.sha[:12]}"
