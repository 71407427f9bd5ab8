"""A job's temporary folders: a disk without room for them, their removal beside the job's end, and what is kept."""

import asyncio
import errno
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from executions import Executions, assert_no_process_is_left, ended_of
from processes import names_in
from waiting import Held, until

from domain.jobs.job_states import JobState
from tasks.process import temp_dirs
from tasks.process.disk_space import LEAST, check_free_space


async def assert_no_space(executions: Executions, words: str) -> None:
    """Check that a job ends before its command, with this summary, and that its commit gets an error."""
    ended = await executions.run("echo built")
    assert (ended.state, ended.summary) == (JobState.CRASHED, f"no space: {words}")
    assert executions.lines == []
    await executions.world.deliver()
    assert executions.world.held() == ["error"]


async def test_without_room_a_job_is_refused_and_its_commit_gets_an_error(
    executions: Executions, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr("tasks.jobs.build_steps.folders_of_a_job", lambda *_, **__: [Path("/")])
    monkeypatch.setattr("tasks.jobs.build_steps.check_free_space", partial(check_free_space, free=lambda _: LEAST - 1))
    await assert_no_space(executions, "less than 1 GiB is free")
    assert logged == ["1,023 MiB are free on the disk of /, and a job needs 1,024: make room there, and retry it"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT], ids=["disk", "quota"])
@pytest.mark.parametrize("what", ["mkdtemp", "mkdir"])
async def test_a_disk_found_full_at_the_start_is_reported_on_the_commit(
    executions: Executions, monkeypatch: pytest.MonkeyPatch, number: int, what: str, logged: list[str]
) -> None:
    """There may be bytes, and no room for another file; a quota shows in no figure at all."""

    def full(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/tmp")  # noqa: S108  # it is not written to

    monkeypatch.setattr(*{"mkdtemp": (tempfile, "mkdtemp"), "mkdir": (Path, "mkdir")}[what], full)
    await assert_no_space(executions, os.strerror(number).lower())
    assert [": make room " in line for line in logged] == [True]


async def test_a_job_without_a_temporary_folder_reports_so_on_its_commit(
    executions: Executions, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    """Python takes the first to which it can write four bytes; on full disks there is none."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    await assert_no_space(executions, "nothing can be written to any folder for temporary files")
    assert [": make room " in line for line in logged] == [True]


async def test_a_working_copy_that_leaves_no_room_for_the_jobs_end_does_not_stay(
    executions: Executions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: list[str]
) -> None:
    def free(_: Path) -> int:
        return 0 if list(tmp_path.rglob("made")) else LEAST

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("tasks.jobs.build_steps.check_free_space", partial(check_free_space, free=free))
    ended = await executions.run("echo half > made; exit 3")
    assert (ended.summary, names_in(tmp_path), logged) == ("exit code 3", [], [])


async def test_a_cancel_during_the_removal_of_folders_keeps_the_outcome(executions: Executions, held: Held) -> None:
    running = executions.start(await executions.accept("true"))
    await until(held.begun.is_set)
    running.cancel()
    held.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert [state for state, _ in await executions.reports()] == ["pending", "success"]


@dataclass
class Users:
    in_use: int = 0

    @asynccontextmanager
    async def one(self, *_: object) -> AsyncIterator[None]:
        self.in_use += 1
        yield
        self.in_use -= 1


async def test_an_outcome_is_stored_while_its_folders_are_removed(
    executions: Executions, monkeypatch: pytest.MonkeyPatch, held: Held
) -> None:
    users = Users()
    monkeypatch.setattr("tasks.jobs.build_steps._user", users.one)
    work = await executions.accept("true")
    running = executions.start(work)
    await until(held.begun.is_set)
    await executions.until_it_is(work, JobState.SUCCEEDED)
    assert not running.done()
    assert users.in_use == 1  # a later job of the same user could enter what is left
    held.go_on.set()
    assert ended_of(await running).state is JobState.SUCCEEDED
    assert users.in_use == 0


async def test_a_cancelled_job_leaves_no_process_and_is_ended_while_its_folders_are_removed(
    executions: Executions, held: Held, tmp_path: Path
) -> None:
    work, running = await executions.start_family(tmp_path)
    running.cancel()
    await until(held.begun.is_set)
    await executions.until_it_is(work, JobState.CANCELLED)
    assert not running.done()
    assert_no_process_is_left(tmp_path)
    held.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await executions.reports())[1:] == [("error", "cancelled")]
    assert (await executions.world.target()).due_at is not None


async def test_folders_that_cannot_be_removed_do_not_change_the_outcome(
    executions: Executions, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError("not ours")

    monkeypatch.setattr(temp_dirs, "remove", fail)
    assert (await executions.run("true")).state is JobState.SUCCEEDED
    assert logged == ["Reportback itself failed: PermissionError('not ours')"]


async def test_a_failed_jobs_working_copy_stays_and_only_the_log_says_where(
    executions: Executions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, logged: list[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = await executions.run("echo half > made; pwd; exit 3")
    [name] = names_in(tmp_path)
    kept = tmp_path / name / "copy"
    assert (kept / "made").read_text() == "half\n"
    assert logged == [f"the working copy is kept for a while for inspection: {kept}"]
    assert str(tmp_path) not in f"{executions.lines} {ended.summary} {await executions.reports()}"
    await executions.run("true")
    assert names_in(tmp_path) == [name]
