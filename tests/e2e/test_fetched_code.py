"""A deployment whose code is fetched for each flow run, as docs/deploy.md says."""

import asyncio
from pathlib import Path

import pytest
from e2e_ledgers import deployed_as
from e2e_rig import Rig
from real_processes import ROOT, command_line, offspring
from repositories import git

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.together]

BRANCH = "main"


async def test_two_runs_with_a_clone_each_share_the_ledger(rig: Rig) -> None:
    source = await asyncio.to_thread(this_code, rig.folder / "reportback.git")
    clone = {"repository": source.as_uri(), "branch": BRANCH}
    step = {"prefect.deployments.steps.git_clone": clone}
    async with deployed_as(rig, "fetched", pull=[step]) as deployment:
        runs = [await rig.start(f"fetched-{number}", deployment=deployment) for number in (1, 2)]
        await asyncio.gather(*(run.is_at_work() for run in runs))
        folders = {code_of(await run.pid()) for run in runs}
        for run in runs:
            run.go()
        for run in runs:
            await run.shows("pending", "success", within=30)
            await run.is_over("COMPLETED", within=30)
    assert len(folders) == len(runs)
    assert ROOT not in folders
    assert len({(await run.job()).number for run in runs}) == len(runs)  # rows of the one ledger


def this_code(bare: Path) -> Path:
    """A bare repository at *bare* of what we are, committed or not."""
    git(ROOT, "init", "--quiet", "--bare", "--initial-branch", BRANCH, str(bare))
    here = ("--work-tree", str(ROOT), "--git-dir", str(bare))
    git(ROOT, *here, "add", "--all")
    git(ROOT, *here, "commit", "--quiet", "--message", "as it is")
    return bare


def code_of(pid: int) -> Path:
    """The folder whose code the flow *pid* runs: the file of its command's supervisor is in it."""
    words = (word for child in offspring(pid) for word in command_line(child).split())
    return Path(next(word for word in words if word.endswith("tasks/process/supervisor.py"))).parents[2]
