"""An invalid job user is refused before a job is accepted; without one the log says that jobs are trusted."""

import httpx
import pytest
import respx
from flow_rig import Rig
from flow_runs import log_of, run
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.docs_job import docs_job
from storage.models import Job
from tasks.operations.require_password import refuse_open_prefect
from tasks.process.users import JobUser


async def test_a_user_that_no_job_can_run_as_refuses_the_flow_run_and_accepts_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_JOB_USER", "root")
    kind, _, message = (await run(docs_job, {"job": "sphinx"})).shows
    assert (kind, message.partition("NoJobUser: ")[2]) == (
        "FAILED",
        "REPORTBACK_JOB_USER is root, which can read everything: name another user",
    )
    assert await rig.rows(Job) == []


async def test_with_a_job_user_a_prefect_without_a_password_refuses_the_flow_run(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.docs_job.job_users", lambda _: (JobUser(70000, 70000),))
    kind, _, message = (await run(docs_job, {"job": "sphinx"})).shows
    assert kind == "FAILED"
    assert "asks for no password" in message
    assert await rig.rows(Job) == []


@pytest.mark.parametrize("answer", [httpx.Response(401), httpx.Response(403), httpx.ConnectError("refused")])
async def test_a_prefect_with_a_password_or_out_of_reach_is_not_called_open(
    answer: httpx.Response | Exception,
) -> None:
    with temporary_settings({PREFECT_API_URL: "http://prefect.test/api"}), respx.mock as router:
        router.get("http://prefect.test/api/admin/version").mock(side_effect=[answer])
        await refuse_open_prefect()


async def test_without_a_job_user_the_log_says_that_the_job_is_trusted(rig: Rig) -> None:
    rig.job_is("true", after_pending=False)
    ran = await rig.run_job(target=None)
    words = "this job is trusted: it runs as the user of the flow"
    assert words in await log_of(ran.id, words)
