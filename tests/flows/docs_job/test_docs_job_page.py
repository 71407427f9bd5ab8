"""A docs job in Prefect's UI: name, tags and the job's page."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from flow_rig import Rig
from flow_runs import artifacts_of, log_of, run
from prefect import get_client
from sqlmodel import update
from waiting import soon

from domain.jobs.job_type import JobType
from fake_github.store import Draft
from flows.reconcile_reports import reconcile_reports
from storage.models import Job, StatusTarget


async def test_a_run_says_what_it_does_and_its_page_what_came_of_it(rig: Rig) -> None:
    rig.job_is("echo 'reading page.md'; echo 'Error: no `title` in <b>'; touch a.md; echo 'a.md:1: error: x'; exit 3")
    done = await rig.run_job(options={"processes": 2})
    async with get_client() as client:
        run = await client.read_flow_run(done.id)
    assert run.name == f"sphinx {rig.sha[:7]} acme/site"
    assert set(run.tags) == {"job:sphinx", "repository:acme/site", "context:docs/sphinx"}
    (shown,) = await artifacts_of(done.id, "markdown")
    assert (shown.key, shown.description) == (None, run.name)  # without a key it does not stand in the list of all
    page = str(shown.data)
    commit = f"http://github.test/acme/site/commit/{rig.sha}"
    ids = [status.id for status in rig.github.store.held()]
    for words in (
        '- Options: `{"processes": 2}`',
        f"[{rig.sha[:7]}](<{commit}>) of acme/site",
        "- Outcome: **failed**: exit code 3\\: Error\\: no \\`title\\` in \\<b\\>",
        f"/flow-run/{done.id}>)",
        f"## What it found\n\n- **failure** [a.md\\:1](<{commit.replace('/commit/', '/blob/')}/a.md?plain=1#L1>): x\n",
        "```text\nreading page.md\nError: no `title` in <b>\na.md:1: error: x\n```",
        f"## Report 2, `failure`: delivered\n\nGitHub has it, as status {ids[1]}.",
        f"## Report 1, `pending`: delivered\n\nGitHub has it, as status {ids[0]}.",
        f"**delivered** by task of {run.name}; GitHub 201 `",
    ):
        assert words in page


async def test_a_page_shows_the_output_of_the_command_and_not_of_its_preparations(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = {"name": "mkdocs", "command": ["echo", "built"], "prepare": [{"command": ["echo", "installed"]}]}
    monkeypatch.setattr("flows.docs_job.JOB_TYPES", {"mkdocs": JobType.model_validate(prepared)})
    done = await rig.run_job("mkdocs")
    (shown,) = await artifacts_of(done.id, "markdown")
    assert "```text\nbuilt\n```" in str(shown.data)
    await log_of(done.id, "installed", "built")


async def test_an_outcome_that_covers_one_with_other_options_is_on_both_pages_and_in_the_runs_state(rig: Rig) -> None:
    rig.job_is("exit 3")
    failed = await rig.run_job(options={"processes": 1})
    rig.job_is("exit 0")
    done = await rig.run_job(options={"processes": 2})
    assert f"; covers the outcome of job {failed.id} (processes=1), failed: name such options" in str(done.shows[2])
    (older,) = await artifacts_of(failed.id, "markdown")
    (newer,) = await artifacts_of(done.id, "markdown")
    assert str(older.data).startswith(f"**Its outcome is covered by that of job {done.id}.")
    assert f"covers the outcome of job {failed.id}" in str(newer.data)
    await log_of(done.id, f"its outcome covers the outcome of job {failed.id}")


async def test_an_override_found_by_a_run_is_first_on_its_jobs_page_once(rig: Rig) -> None:
    done = await rig.run_job()
    override = Draft(repository="acme/site", sha=rig.sha, context="docs/sphinx", state="failure")
    status = rig.github.store.drafted(override)
    rig.github.store.add(status)
    for _ in range(2):
        async with rig.ledger() as ledger:
            with ledger.transaction() as tx:
                tx.session.exec(update(StatusTarget).values(verify_at=tx.now))
        passed = await run(reconcile_reports)
    (shown,) = await artifacts_of(done.id, "markdown")
    page = str(shown.data)
    first, _, rest = page.partition("\n\n")
    assert first.startswith("**A status that is not ours was on top of it at ")
    assert f"status {status.id}\\: failure by octocat" in first
    assert rest.startswith("- Job: `sphinx`, execution 1")
    assert "none of ours" not in rest
    assert passed.shows[0] == "COMPLETED"


async def test_a_prefect_that_takes_neither_page_nor_tags_is_a_line_in_the_log(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise httpx.ConnectError("connection refused")

    monkeypatch.setattr("tasks.operations.job_page.acreate_markdown_artifact", refuse)
    monkeypatch.setattr("tasks.operations.label_run._label", refuse)
    done = await rig.run_job()
    assert done.shows[0] == "COMPLETED"
    assert rig.states() == ["pending", "success"]
    await log_of(
        done.id,
        "the flow run has neither name nor tags: ConnectError",
        "the job's page is not up to date: ConnectError",
    )


@pytest.mark.parametrize("what", ["job_page.acreate_markdown_artifact", "label_run._label"])
async def test_a_prefect_that_never_answers_holds_no_job_up(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    rig.job_is("exit 0", after_pending=False)
    monkeypatch.setattr("tasks.operations.job_page.FINAL_UPDATE_TIMEOUT", timedelta(seconds=0.1))
    monkeypatch.setattr("tasks.operations.label_run.LONGEST", timedelta(seconds=0.1))
    monkeypatch.setattr(f"tasks.operations.{what}", hang)
    done = await soon(rig.run_job(target=None), "the end of the flow run")
    assert done.shows[0] == "COMPLETED"
    async with get_client() as client:
        assert (await client.read_flow_run(done.id)).name == "sphinx" or what == "label_run._label"
    assert [job.target_id for job in await rig.rows(Job)] == [None]
