"""Builds a commit: order of steps, failure of each, and the link of the outcome."""

import asyncio
import errno
import os
from dataclasses import replace
from uuid import uuid4

import pytest
from build_rig import PREVIEW, PUSH, TOKEN, BuildRig
from cancelling import STOPS, stop
from executions import Executions, ended_of
from ledger_jobs import accept, order
from processes import is_alive, names_in
from unmovable import Unmovable
from waiting import until
from world import World

from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from domain.jobs.target_request import TargetRequest
from settings import Settings
from tasks.jobs.execution_spec import work_of
from tasks.jobs.keep_output import NEWEST


async def test_all_of_it_happens_in_order_before_the_job_has_ended(rig: BuildRig) -> None:
    before = rig.commit_page
    install = {"command": ["sh", "-c", "mkdir tools && echo prepared"], "cache": {"paths": ["tools"], "key": ["lock"]}}
    script = "[ -d tools ]; mkdir -p build; echo built | tee build/index.html docs/page.md"
    job = uuid4()
    ended = await rig.run(script, job=job, prepare=[install], output="build", push=PUSH)
    assert ended.state is JobState.SUCCEEDED
    assert (rig.outputs / str(job) / "index.html").read_text() == "built\n"
    assert rig.origin.files("main")["docs/page.md"] == "built"
    head = rig.origin.head("main") or ""
    assert rig.lines == [
        "prepared",
        "Reportback: sh -c mkdir tools && echo prepared: kept in the cache",
        "built",
        f"Reportback: build is kept as {job}",
        f"Reportback: {head[:12]} is pushed to main",
    ]
    assert await rig.links() == [("pending", before), ("success", PREVIEW)]


@pytest.mark.parametrize("code", [0, 1])
async def test_what_a_command_says_of_a_line_is_found_in_the_working_copy_without_secrets(
    rig: BuildRig, code: int
) -> None:
    said = f'echo "$PWD/docs/page.md:1: WARNING: the token {TOKEN} in $PWD"; echo "gone.md:1: error: lost"; exit {code}'
    ended = await rig.run(said, push=PUSH)
    found = [(one.path, one.line, one.level.value, one.message) for one in ended.found.findings]
    assert [one[:3] for one in found] == [("docs/page.md", 1, "warning"), ("", None, "failure")]
    assert found[0][3].startswith("the token *** in ")
    assert "/" not in found[0][3]
    assert found[1][3] == "gone.md: lost"


async def test_only_a_success_links_to_the_output(rig: BuildRig) -> None:
    job = uuid4()
    ended = await rig.run("mkdir build; exit 1", job=job, output="build")
    assert ended.state is JobState.FAILED
    assert await rig.links() == [("pending", rig.commit_page), ("failure", rig.commit_page)]
    assert names_in(rig.outputs) == [NEWEST, str(job)]  # it may tell why


async def test_without_a_template_everything_links_to_the_same(rig: BuildRig) -> None:
    await rig.run("true", output_url=None)
    assert await rig.links() == [("pending", rig.commit_page), ("success", rig.commit_page)]


async def test_a_command_that_failed_has_its_own_word_also_without_an_output(rig: BuildRig) -> None:
    ended = await rig.run("echo no luck; exit 2", output="build", push=PUSH)
    assert (ended.state, ended.summary) == (JobState.FAILED, "exit code 2: no luck")
    assert "Reportback: output not kept: build is no folder of the working copy" in rig.lines


async def test_a_success_without_its_output_is_an_error_and_pushes_nothing(rig: BuildRig) -> None:
    head = rig.origin.head("main")
    ended = await rig.run("echo new > docs/page.md", output="build", push=PUSH)
    assert (ended.state, ended.summary) == (
        JobState.CRASHED,
        "output not kept: build is no folder of the working copy",
    )
    assert await rig.links() == [("pending", rig.commit_page), ("error", rig.commit_page)]
    assert rig.origin.head("main") == head


@pytest.mark.parametrize(("limits", "at"), [({"files": 1}, "cannot check out"), ({"files": 4}, "output not kept")])
async def test_files_beyond_a_limit_are_an_error_that_names_it(rig: BuildRig, limits: dict[str, int], at: str) -> None:
    ended = await rig.run("mkdir build; touch build/1 build/2 build/3 build/4", limits=limits, output="build")
    assert ended.state is JobState.CRASHED
    assert ended.summary.startswith(at)
    assert ended.summary.endswith(f": more than {limits['files']} files and folders: limits.files bounds it")
    assert await rig.links() == [("pending", rig.commit_page), ("error", rig.commit_page)]


async def test_a_preparation_that_fails_is_an_error_and_the_command_does_not_run(rig: BuildRig) -> None:
    ended = await rig.run(
        "echo not reached",
        prepare=[{"command": ["sh", "-c", "echo npm error: gone; exit 1"]}],
        output="docs",
        push=PUSH,
    )
    assert (ended.state, ended.summary) == (JobState.CRASHED, "preparation failed: sh: exit code 1: npm error: gone")
    assert rig.lines == ["npm error: gone"]
    assert not rig.outputs.exists()


async def test_a_job_type_says_which_exit_codes_are_a_success(rig: BuildRig) -> None:
    ended = await rig.run("exit 3", success_codes=[0, 3])
    assert ended.state is JobState.SUCCEEDED
    assert ended.summary.endswith(", exit code 3")


async def test_limits_hold_for_the_command_and_its_preparations(rig: BuildRig) -> None:
    fill = "head -c 2000 /dev/zero > big"
    ended = await rig.run(f"exec {fill}", limits={"file_size": 1000})
    assert ended.summary.startswith("stopped after ")
    assert ended.summary.endswith(": a file larger than its limit")
    prepare = [{"command": ["sh", "-c", f"exec {fill}"]}]
    ended = await rig.run("true", limits={"file_size": 1000}, prepare=prepare)
    assert ended.summary.endswith(": a file larger than its limit")
    assert ended.summary.startswith("preparation failed: sh: stopped after ")


async def test_without_a_target_nothing_is_pushed_and_the_output_is_kept(rig: BuildRig) -> None:
    executions, asked = Executions(rig.world), replace(order(), target=None, url=None, credential="")
    work = await executions.accept(("mkdir", "docs"), asked, output="docs", push=PUSH, output_url=PREVIEW)
    ended = ended_of(await executions.carry_out(replace(rig.kept(work), clone_url=None)))
    assert ended.state is JobState.SUCCEEDED
    assert names_in(rig.outputs) == [str(asked.flow_run_id)]


@pytest.mark.parametrize(
    ("asked_for", "link"), [("", "https://docs.example.com/acme/site"), ("https://example.com/mine", None)]
)
async def test_a_link_that_the_request_names_goes_before_the_job_types(
    world: World, asked_for: str, link: str | None
) -> None:
    url = "https://docs.example.com/{repository}"
    job_type = JobType.model_validate({"name": "sphinx", "command": ["true"], "output_url": url})
    asked = order()
    wanted = TargetRequest(repository="acme/site", sha="0" * 40, url=asked_for)
    execution = await accept(world.ledger, asked)
    assert work_of(execution, asked, job_type, wanted, Settings()).output_url == link
    assert work_of(execution, replace(asked, target=None), job_type, None, Settings()).output_url is None


async def test_old_outputs_that_cannot_be_moved_change_nothing_of_a_success(
    rig: BuildRig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    old = [str(uuid4()) for _ in range(12)]
    for number, name in enumerate(old):
        (rig.outputs / name).mkdir(parents=True)
        os.utime(rig.outputs / name, (number, number))
    Unmovable(monkeypatch, errno.EBUSY, old[0], old[5])
    job = uuid4()
    ended = await rig.run("mkdir build; touch build/index.html", job=job, output="build")
    assert ended.state is JobState.SUCCEEDED
    assert names_in(rig.outputs) == sorted([NEWEST, old[0], old[5], str(job)])
    assert logged == ["2 old outputs could not be removed: cannot be moved"]
    assert await rig.links() == [("pending", rig.commit_page), ("success", PREVIEW)]


@STOPS
@pytest.mark.parametrize("copies", ["an output", "into the cache"])
async def test_a_job_that_is_stopped_while_its_files_are_copied_leaves_nothing_of_them_at_once(
    rig: BuildRig, how: str, copies: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = rig.folder / "bin" / "cp"
    hanging.parent.mkdir()
    hanging.write_text(f'#!/bin/sh\necho $$ > "{rig.folder}/pid"\nmkdir "$6"\ntouch "$6/half"\nexec sleep 30\n')
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", f"{hanging.parent}:{os.environ['PATH']}")
    step = {"command": ["mkdir", "tools"], "cache": {"paths": ["tools"], "key": ["lock"]}}
    does = {"output": "build"} if copies == "an output" else {"prepare": [step]}
    others = asyncio.all_tasks()
    running = asyncio.create_task(rig.run("mkdir build", **does))
    await until(lambda: (rig.folder / "pid").exists() and bool((rig.folder / "pid").read_text()))
    stop(running, how, others)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not is_alive(int((rig.folder / "pid").read_text()))
    kept_in = rig.folder / ("outputs" if copies == "an output" else "cache")
    assert names_in(kept_in) == []
    assert [state for state, _ in await rig.links()] == ["pending", "error"]
