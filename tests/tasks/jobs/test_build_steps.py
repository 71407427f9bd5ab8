"""Builds a commit: order of steps, failure of each, and the link of the outcome."""

import asyncio
import errno
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from callbacks import idle_callbacks
from cancelling import STOPS, stop
from processes import is_alive, names_in
from repositories import Origin
from sqlmodel import col, select
from unmovable import Unmovable
from waiting import block_until, until
from world import CREDENTIAL, World, accept, order

from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from domain.jobs.target_request import TargetRequest
from settings import Settings
from storage.models import StatusReport
from tasks.jobs import build_steps as executing
from tasks.jobs.build_cache import BuildCache
from tasks.jobs.execution_spec import EndedExecution, Work, work_of
from tasks.jobs.keep_output import Outputs
from tasks.jobs.run_execution import carry_out
from tasks.process import disk_space
from tasks.process.background import Stop
from tasks.process.files import USUAL

pytestmark = pytest.mark.parametrize("database", ["sqlite"])

TOKEN = "a-token-to-push-with"
PREVIEW = "https://docs.example.com/preview/7/"
PUSH = {"branch": "main", "paths": ["docs"], "credential": "env:PUSH", "author": "Docs bot <docs@example.com>"}


@dataclass
class Rig:
    world: World
    folder: Path
    origin: Origin
    lines: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    async def run(
        self,
        script: str,
        *,
        job: UUID | None = None,
        sha: str | None = None,
        output_url: str | None = PREVIEW,
        **fields: object,
    ) -> EndedExecution:
        """Carry out a job of this script on the newest commit of `main`; again, if it is a job that there is."""
        asked = order(sha=sha or self.origin.head("main") or "", flow_run_id=job)
        job_type = JobType.model_validate({"name": "sphinx", "command": ["sh", "-ec", script], **fields})
        execution = await accept(self.world.ledger, asked)
        work = Work(
            execution,
            asked,
            job_type,
            self.origin.url,
            Outputs(self.outputs, 10, timedelta(days=1)),
            BuildCache(self.folder / "cache", 1_000_000),
            output_url,
        )
        ended = await carry_out(self.world.reporter, work, idle_callbacks(self.lines))
        assert ended is not None
        return ended

    async def links(self) -> list[tuple[str, str]]:
        """The state of each report and what it links to, without the marker."""
        async with self.world.ledger.transaction() as session:
            found = await session.exec(select(StatusReport).order_by(col(StatusReport.id)))
            return [(one.state.value, one.target_url.partition("#")[0]) for one in found]

    @property
    def commit_page(self) -> str:
        return f"https://github.com/acme/site/commit/{self.origin.head('main')}"


@pytest.fixture
def rig(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setenv("PUSH", TOKEN)
    world.tokens["env:PUSH"] = TOKEN
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    made = Rig(world, tmp_path, Origin(tmp_path))
    made.origin.commit("main", docs__page_md="old", lock="one")
    yield made
    assert not [name for name in names_in(tmp_path / "tmp") if "scratch" in name]


async def test_all_of_it_happens_in_order_before_the_job_has_ended(rig: Rig) -> None:
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


async def test_only_a_success_links_to_the_output(rig: Rig) -> None:
    job = uuid4()
    ended = await rig.run("mkdir build; exit 1", job=job, output="build")
    assert ended.state is JobState.FAILED
    assert await rig.links() == [("pending", rig.commit_page), ("failure", rig.commit_page)]
    assert names_in(rig.outputs) == [str(job)]  # it may tell why


async def test_without_a_template_everything_links_to_the_same(rig: Rig) -> None:
    await rig.run("true", output_url=None)
    assert await rig.links() == [("pending", rig.commit_page), ("success", rig.commit_page)]


async def test_a_command_that_failed_has_its_own_word_also_without_an_output(rig: Rig) -> None:
    ended = await rig.run("echo no luck; exit 2", output="build", push=PUSH)
    assert (ended.state, ended.summary) == (JobState.FAILED, "exit code 2: no luck")
    assert "Reportback: output not kept: build is no folder of the working copy" in rig.lines


async def test_a_success_without_its_output_is_an_error_and_pushes_nothing(rig: Rig) -> None:
    head = rig.origin.head("main")
    ended = await rig.run("echo new > docs/page.md", output="build", push=PUSH)
    assert (ended.state, ended.summary) == (
        JobState.CRASHED,
        "output not kept: build is no folder of the working copy",
    )
    assert await rig.links() == [("pending", rig.commit_page), ("error", rig.commit_page)]
    assert rig.origin.head("main") == head


@pytest.mark.parametrize(("limits", "at"), [({"files": 1}, "cannot check out"), ({"files": 4}, "output not kept")])
async def test_files_beyond_a_limit_are_an_error_that_names_it(rig: Rig, limits: dict[str, int], at: str) -> None:
    ended = await rig.run("mkdir build; touch build/1 build/2 build/3 build/4", limits=limits, output="build")
    assert ended.state is JobState.CRASHED
    assert ended.summary.startswith(at)
    assert ended.summary.endswith(f": more than {limits['files']} files and folders: limits.files bounds it")
    assert await rig.links() == [("pending", rig.commit_page), ("error", rig.commit_page)]


@pytest.mark.parametrize("at", ["at the checkout", "at the output"])
async def test_a_disk_that_fills_during_a_job_is_an_error_that_says_so(
    rig: Rig, at: str, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    is_full = (rig.folder / "full").exists if at == "at the output" else lambda: True
    monkeypatch.setattr(disk_space, "free_in", lambda _: disk_space.RESERVE - is_full())
    monkeypatch.setattr(executing, "check_free_space", lambda *_: None)
    ended = await rig.run(f"mkdir build; touch {rig.folder}/full", output="build")
    assert (ended.state, ended.summary) == (
        JobState.CRASHED,
        "no space: less than 256 MiB is left on the disk",
    )
    assert any("have to stay: make room there, and retry it" in line for line in logged)
    assert not rig.outputs.exists() or names_in(rig.outputs) == []


async def test_making_room_for_a_job_may_take_as_long_as_other_work_on_files(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    gives_up, late = list[bool](), timedelta(0)

    def make_room(_: object, stop: Stop) -> None:
        nonlocal late
        for late in (USUAL - timedelta(minutes=1), USUAL):  # noqa: B007  # the clock reads it
            gives_up.append(stop())

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late.total_seconds())
    monkeypatch.setattr("tasks.process.background.time", clock)
    monkeypatch.setattr(executing, "check_free_space", make_room)
    assert (await rig.run("true")).state is JobState.SUCCEEDED
    assert gives_up == [False, True]


async def test_a_disk_that_does_not_answer_is_an_error_that_says_so(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    async def never_answers(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(executing, "run_in_background", never_answers)
    ended = await rig.run("true")
    assert (ended.state, ended.summary) == (JobState.CRASHED, "no space: the disk does not answer")
    assert any("check its disk, and retry the job" in line for line in logged)


async def test_a_disk_that_answers_no_more_once_a_command_has_failed_changes_nothing(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    def never_answers(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(executing, "_keep_copy", never_answers)
    ended = await rig.run("exit 1")
    assert (ended.state, ended.summary, logged) == (JobState.FAILED, "exit code 1", [])


async def test_a_command_that_failed_has_its_own_word_also_on_a_disk_that_it_filled(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(disk_space, "free_in", lambda _: disk_space.RESERVE - (rig.folder / "full").exists())
    monkeypatch.setattr(executing, "check_free_space", lambda *_: None)
    ended = await rig.run(f"mkdir build; touch {rig.folder}/full; echo no luck; exit 1", output="build")
    assert (ended.state, ended.summary) == (JobState.FAILED, "exit code 1: no luck")
    assert "Reportback: output not kept: no space: less than 256 MiB is left on the disk" in rig.lines
    assert any("have to stay: make room there, and retry it" in line for line in logged)


async def test_a_preparation_that_fails_is_an_error_and_the_command_does_not_run(rig: Rig) -> None:
    ended = await rig.run(
        "echo not reached",
        prepare=[{"command": ["sh", "-c", "echo npm error: gone; exit 1"]}],
        output="docs",
        push=PUSH,
    )
    assert (ended.state, ended.summary) == (JobState.CRASHED, "preparation failed: sh: exit code 1: npm error: gone")
    assert rig.lines == ["npm error: gone"]
    assert not rig.outputs.exists()


async def test_a_failed_jobs_changes_are_not_pushed(rig: Rig) -> None:
    head = rig.origin.head("main")
    await rig.run("echo new > docs/page.md; exit 1", push=PUSH)
    await rig.run("echo new > docs/page.md; kill -9 $$", push=PUSH)
    await rig.run("echo new > docs/page.md; sleep 60", push=PUSH, timeout=0.5)
    assert rig.origin.head("main") == head


async def test_a_refused_push_is_an_error_and_a_retry_pushes_once(rig: Rig) -> None:
    hook = rig.origin.bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'error: GH006: Protected branch update failed' >&2\nexit 1\n")
    hook.chmod(0o755)
    job, script = uuid4(), "echo new > docs/page.md"
    ended = await rig.run(script, job=job, output="docs", push=PUSH)
    assert ended.state is JobState.CRASHED
    assert ended.summary == "push failed: remote: error: GH006: Protected branch update failed"
    assert (await rig.links())[-1] == ("error", rig.commit_page)
    assert names_in(rig.outputs) == [str(job)]
    hook.unlink()
    again = await rig.run(script, job=job, output="docs", push=PUSH)
    assert again.state is JobState.SUCCEEDED
    assert len(rig.origin.history("main")) == 2


async def test_a_job_executed_again_after_its_push_pushes_nothing_twice(rig: Rig) -> None:
    """As after a death between the push and the job's end."""
    sha, script = rig.origin.head("main"), "echo new > docs/page.md"
    await rig.run(script, sha=sha, push=PUSH)
    pushed = rig.origin.head("main")
    ended = await rig.run(script, sha=sha, push=PUSH)
    assert ended.state is JobState.SUCCEEDED
    assert rig.lines[-1] == "Reportback: nothing to push: nothing has changed"
    assert rig.origin.head("main") == pushed != sha


async def test_without_its_token_a_push_is_an_error(rig: Rig) -> None:
    del rig.world.tokens["env:PUSH"]
    ended = await rig.run("echo new > docs/page.md", push=PUSH)
    assert (ended.state, ended.summary) == (JobState.CRASHED, "push failed: env:PUSH has no token")


async def test_a_commit_that_needs_a_credential_which_cannot_be_read_says_so_on_the_commit(
    rig: Rig, logged: list[str]
) -> None:
    del rig.world.tokens[CREDENTIAL]
    ended = await rig.run("true", sha="0" * 40)
    assert ended.state is JobState.CRASHED
    lacking = f"credential {CREDENTIAL} cannot be read; without it: cannot check out 000000000000: "
    assert ended.summary.startswith(lacking)
    assert logged == [f"{CREDENTIAL} has no token"]


async def test_a_public_commit_needs_no_credential(rig: Rig) -> None:
    del rig.world.tokens[CREDENTIAL]
    assert (await rig.run("true")).state is JobState.SUCCEEDED


async def test_an_error_around_the_command_shows_no_secrets_and_paths(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of-the-jobs-own")
    ended = await rig.run(
        "mkdir docs/$A_SECRET; git init -q docs/$A_SECRET", env=["A_SECRET"], push={**PUSH, "branch": "main"}
    )
    assert ended.summary == "push failed: docs/*** is a repository of its own"
    ended = await rig.run("true", prepare=[{"command": ["/srv/tools/install"]}])
    assert ended.summary == (
        "preparation failed: cannot start '…/install': not found; install it where the worker runs, or correct the "
        "job's command"
    )


async def test_the_command_sees_nothing_of_the_pushing_credential(rig: Rig) -> None:
    await rig.run("env; tr '\\0' '\\n' < /proc/$PPID/environ; echo new > docs/page.md", push=PUSH)
    assert TOKEN not in "".join(rig.lines)
    assert "PUSH" not in {line.partition("=")[0] for line in rig.lines}


async def test_no_token_that_is_used_for_a_job_shows_in_its_output(rig: Rig) -> None:
    ended = await rig.run(f"echo 'error: {TOKEN}, {rig.world.tokens[CREDENTIAL]}'; exit 1", push=PUSH)
    assert ended.summary == "exit code 1: error: ***, ***"
    assert rig.lines == ["error: ***, ***"]


class Noting(dict[str, str]):
    """Tokens by credential, with a record of those that were read."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        super().__init__(tokens)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)


async def test_only_a_job_type_that_pushes_has_its_token_read(rig: Rig) -> None:
    rig.world.tokens = tokens = Noting(rig.world.tokens)
    await rig.run("echo new > docs/page.md")
    assert tokens.read == {CREDENTIAL}
    await rig.run("echo new > docs/page.md", push=PUSH)
    assert tokens.read == {CREDENTIAL, "env:PUSH"}


async def test_a_secret_too_short_to_be_hidden_is_refused_before_anything_runs(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    ended = await rig.run("echo $DB_PASSWORD", env=["DB_PASSWORD"])
    assert (ended.state, rig.lines) == (JobState.CRASHED, [])
    assert ended.summary == "a variable that the job sees holds a secret too short to be hidden"
    (told,) = logged
    assert told.startswith("DB_PASSWORD has fewer than 8 characters: too few to be kept out of the output")


async def test_a_job_type_says_which_exit_codes_are_a_success(rig: Rig) -> None:
    ended = await rig.run("exit 3", success_codes=[0, 3])
    assert ended.state is JobState.SUCCEEDED
    assert ended.summary.endswith(", exit code 3")


async def test_limits_hold_for_the_command_and_its_preparations(rig: Rig) -> None:
    fill = "head -c 2000 /dev/zero > big"
    ended = await rig.run(f"exec {fill}", limits={"file_size": 1000})
    assert ended.summary.startswith("stopped after ")
    assert ended.summary.endswith(": a file larger than its limit")
    prepare = [{"command": ["sh", "-c", f"exec {fill}"]}]
    ended = await rig.run("true", limits={"file_size": 1000}, prepare=prepare)
    assert ended.summary.endswith(": a file larger than its limit")
    assert ended.summary.startswith("preparation failed: sh: stopped after ")


async def test_without_a_target_nothing_is_pushed_and_the_output_is_kept(rig: Rig) -> None:
    asked = replace(order(), target=None, url=None, credential="")
    job_type = JobType.model_validate(
        {"name": "sphinx", "command": ["mkdir", "docs"], "output": "docs", "push": PUSH, "output_url": PREVIEW}
    )
    work = Work(
        await accept(rig.world.ledger, asked), asked, job_type, None, Outputs(rig.outputs, 10, timedelta(days=1))
    )
    ended = await carry_out(rig.world.reporter, work, idle_callbacks(rig.lines))
    assert ended is not None
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
    rig: Rig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    old = [str(uuid4()) for _ in range(12)]
    for number, name in enumerate(old):
        (rig.outputs / name).mkdir(parents=True)
        os.utime(rig.outputs / name, (number, number))
    Unmovable(monkeypatch, errno.EBUSY, old[0], old[5])
    job = uuid4()
    ended = await rig.run("mkdir build; touch build/index.html", job=job, output="build")
    assert ended.state is JobState.SUCCEEDED
    assert names_in(rig.outputs) == sorted([old[0], old[5], str(job)])
    assert logged == ["2 old outputs could not be removed: cannot be moved"]
    assert await rig.links() == [("pending", rig.commit_page), ("success", PREVIEW)]


@STOPS
async def test_a_job_that_is_stopped_when_its_push_is_stored_has_succeeded(rig: Rig, how: str) -> None:
    hook = rig.origin.bare / "hooks" / "post-receive"
    hook.write_text(f"#!/bin/sh\ntouch {rig.folder}/holds; until [ -e {rig.folder}/go ]; do sleep 0.02; done\n")
    hook.chmod(0o755)
    others = asyncio.all_tasks()
    running = asyncio.create_task(rig.run("echo new > docs/page.md", push=PUSH))
    try:
        await asyncio.to_thread(block_until, (rig.folder / "holds").exists, within=60)
        stop(running, how, others)
        with pytest.raises(asyncio.CancelledError):
            await running
    finally:
        (rig.folder / "go").touch()
    assert rig.origin.files("main")["docs/page.md"] == "new"
    assert [state for state, _ in await rig.links()] == ["pending", "success"]


@STOPS
@pytest.mark.parametrize("copies", ["an output", "into the cache"])
async def test_a_job_that_is_stopped_while_its_files_are_copied_leaves_nothing_of_them_at_once(
    rig: Rig, how: str, copies: str, monkeypatch: pytest.MonkeyPatch
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
