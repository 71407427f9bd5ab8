"""A job submitted by `reportback submit` on a real Prefect server, to its end, with what it prints."""

import asyncio
from uuid import UUID

import pytest
from flow_rig import Rig
from flow_runs import run_made
from prefect import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateName,
)
from waiting import until

from console.submission import follow
from console.submission.requested_job import Words
from console.submission.submit import Exit, submit
from flows.docs_job import docs_job


async def deployed() -> UUID:
    return await (await docs_job.ato_deployment("docs-job")).aapply()


async def asked_for(deployment_id: UUID) -> UUID:
    """The flow run of the deployment that waits for a worker, once there is one."""
    ours = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
    waiting = FlowRunFilter(state=FlowRunFilterState(name=FlowRunFilterStateName(any_=["Scheduled"])))
    found = list[UUID]()

    async def is_there() -> bool:
        async with get_client() as client:
            runs = await client.read_flow_runs(deployment_filter=ours, flow_run_filter=waiting)
        found[:] = [one.id for one in runs]
        return bool(found)

    await until(is_there, what="a flow run that waits for a worker")
    return found[0]


ENDS: dict[str, tuple[str, tuple[str, ...], Exit, str, list[str]]] = {
    "a success": ("echo built", (), Exit.SUCCESS, "success: succeeded in ", ["pending", "success"]),
    "a failure": ("echo 'Error: no title'; exit 3", (), Exit.FAILURE, "failure: exit code 3: ", ["pending", "failure"]),
    "refused by the flow": ("echo built", ("colour=red",), Exit.ERROR, "error: Flow run encountered an exc", []),
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_waiting_submit_reports_how_the_job_ended(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    script, options, code, line, states = ENDS[end]
    monkeypatch.setattr("console.submission.follow.POLL_EVERY", follow.POLL_EVERY / 10)
    monkeypatch.setattr("console.submission.follow.SHOWN_LATER", follow.SHOWN_LATER if states else follow.POLL_EVERY)
    monkeypatch.setenv("REPORTBACK_JOBS_FILE", str(rig.folder / "none.toml"))
    rig.job_is(script)
    deployment_id = await deployed()
    words = Words("sphinx", "acme/site", rig.sha, "", "", options, None)
    submitted = asyncio.create_task(submit(words.job_type, words=words, waits=True))
    await run_made(docs_job, await asked_for(deployment_id))
    assert await submitted is code
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith(line)
    assert rig.states() == states
    assert err.splitlines()[-1].startswith("Its outcome is on the commit." if states else "Nothing is known yet")


async def test_a_value_the_deployments_form_refuses_is_named_by_its_field(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    await deployed()
    assert await submit("rm", words=Words("rm", "acme/site", rig.sha), waits=True) is Exit.ERROR
    assert capsys.readouterr().err == "reportback: TYPE: has to be one of 'sphinx', 'linkcheck', 'mkdocs', not 'rm'\n"


async def test_the_server_starts_nothing_twice_for_one_key(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    deployment_id = await deployed()
    words = Words("sphinx", "acme/site", rig.sha, "", "", (), rig.sha)
    for _ in range(2):
        assert await submit(words.job_type, words=words, waits=False) is Exit.SUCCESS
    out, err = capsys.readouterr()
    assert len(set(out.splitlines())) == 1
    assert "started before" in err  # after what is said while the server is busy
    run_id = await asked_for(deployment_id)
    assert str(run_id) in out
    async with get_client() as client:
        await client.delete_flow_run(run_id)
