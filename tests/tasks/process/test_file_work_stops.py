"""Work on a job's files stops when the disk fills or the job is cancelled; no file or thread is left."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from memory import BYTES_A_FILE, Peaks
from processes import is_alive, names_in
from repositories import Origin
from waiting import until

from domain.process.limits import FileBounds, Limits
from tasks.git.checkout import working_copy
from tasks.jobs.keep_output import Outputs, keep_output
from tasks.process import disk_space as module
from tasks.process.disk_space import LEAST, RESERVE, NoSpace, with_room
from tasks.process.files import are_there, copy_files, digests

BOUNDS = FileBounds(100_000, 10**9, timedelta(minutes=1))
STUCK = '#!/bin/sh\necho $$ > "{}"\nexec sleep 30\n'


class Rig:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.site = folder / "copy" / "site"
        self.site.mkdir(parents=True)
        (self.site / "page").write_text("x")
        (folder / "bin").mkdir()
        monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")

    def hang(self, program: str) -> None:
        """Have *program* say that it was started, and go on for ever, as on a disk that does not answer."""
        (self.folder / "bin" / program).write_text(STUCK.format(self.folder / "pid"))
        (self.folder / "bin" / program).chmod(0o755)

    def hangs(self) -> bool:
        return (self.folder / "pid").exists() and bool((self.folder / "pid").read_text())

    @property
    def pid(self) -> int:
        return int((self.folder / "pid").read_text())

    async def keep(self) -> None:
        outputs = Outputs(self.folder / "outputs", 10, timedelta(days=1))
        await keep_output(self.folder / "copy", "site", UUID(int=7), outputs)

    async def check_out(self) -> None:
        (self.folder / "outputs").mkdir(exist_ok=True)
        async with working_copy("https://localhost/a/b.git", "0" * 40, parent=self.folder / "outputs"):
            pytest.fail("that git checks nothing out")


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    return Rig(tmp_path, monkeypatch)


DOES = pytest.mark.parametrize(("does", "program"), [(Rig.keep, "cp"), (Rig.check_out, "git")])


@DOES
async def test_a_cancel_ends_it_at_once_and_leaves_nothing_half_made(
    rig: Rig, does: Callable[[Rig], Awaitable[None]], program: str
) -> None:
    rig.hang(program)
    threads = busy_threads()
    doing = asyncio.ensure_future(does(rig))
    await until(rig.hangs)
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert not is_alive(rig.pid)
    assert names_in(rig.folder / "outputs") == []
    assert busy_threads() == threads


def busy_threads() -> set[threading.Thread]:
    """Those that would hold up the end of this process."""
    return {one for one in threading.enumerate() if not one.daemon and "asyncio" not in one.name}


@DOES
async def test_a_disk_that_fills_meanwhile_ends_it_and_says_so(
    rig: Rig, does: Callable[[Rig], Awaitable[None]], program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.hang(program)
    monkeypatch.setattr(module, "POLL_EVERY", timedelta(milliseconds=1))
    monkeypatch.setattr(module, "free_in", lambda _: RESERVE - rig.hangs())
    with pytest.raises(NoSpace, match=r"^no space: less than 256 MiB is left on the disk$") as failed:
        await does(rig)
    assert "255 MiB are free there, and 256 have to stay: make room there, and retry it" in failed.value.to_do
    assert not is_alive(rig.pid)
    assert names_in(rig.folder / "outputs") == []


async def test_a_disk_that_does_not_answer_for_a_while_is_not_full(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([None, RESERVE, None, RESERVE - 1])

    async def look(*_: object, **__: object) -> int:
        if (answer := next(answers)) is None:
            raise TimeoutError
        return answer

    monkeypatch.setattr(module, "POLL_EVERY", timedelta(0))
    monkeypatch.setattr(module, "run_in_background", look)
    with pytest.raises(NoSpace):
        await with_room(asyncio.Event().wait(), Path("/"))
    assert list(answers) == []


async def test_with_room_enough_the_result_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "free_in", lambda _: RESERVE)

    async def fail() -> None:
        raise ZeroDivisionError

    assert RESERVE < LEAST
    assert await with_room(asyncio.sleep(0, "done"), Path("/")) == "done"
    with pytest.raises(ZeroDivisionError):
        await with_room(fail(), Path("/"))


async def test_the_memory_of_the_flow_is_the_same_for_ten_times_the_files(rig: Rig) -> None:
    await all_works(rig)  # what is made once is made
    peaks = Peaks()
    for count in (200, 2_000):
        for number in range(count):
            (rig.site / f"{number}").touch()
        with peaks.measured(count):
            await all_works(rig)
    assert peaks.bytes_a_file < BYTES_A_FILE, peaks


async def all_works(rig: Rig) -> None:
    copied = await copy_files([(rig.site, rig.folder / os.urandom(8).hex())], BOUNDS, is_output=True, lasts=True)
    assert copied.size > 0
    assert await are_there(rig.folder / "copy", ["site"], BOUNDS) == [True]
    assert len(await digests(rig.site, ["page"], BOUNDS)) == 1


async def test_the_memory_of_the_flow_is_the_same_for_ten_times_the_files_of_a_commit(tmp_path: Path) -> None:
    origin, peaks = Origin(tmp_path), Peaks()
    for count in (2, 200, 2_000):  # the first makes what is made once
        sha = origin.commit("main", **{f"{count}__{number}": "" for number in range(count)})
        with peaks.measured(count):
            await check_out(origin, sha, tmp_path)
    del peaks.of[2]
    assert peaks.bytes_a_file < BYTES_A_FILE, peaks


async def check_out(origin: Origin, sha: str, folder: Path) -> None:
    async with working_copy(origin.url, sha, parent=folder, limits=Limits()) as copy:
        assert (copy / ".git").is_dir()
