"""A job user that cannot be is refused before a job is accepted; without one the log says that jobs are trusted."""

import pytest
from flow_rig import Rig, log_of, run

from flows.docs_job import docs_job
from storage.models import Job


async def test_a_user_that_no_job_can_run_as_refuses_the_flow_run_and_accepts_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_JOB_USER", "root")
    kind, _, message = (await run(docs_job, {"job": "sphinx"})).shows
    assert (kind, message.partition("NoJobUser: ")[2]) == (
        "FAILED",
        "REPORTBACK_JOB_USER is root, who can read everything: name another user",
    )
    assert await rig.rows(Job) == []


async def test_without_one_the_log_says_that_the_job_is_trusted(rig: Rig) -> None:
    rig.job_is("true", after_pending=False)
    ran = await rig.run_job(target=None)
    words = "this job is trusted: it runs as the user of the flow"
    assert words in await log_of(ran.id, words)
