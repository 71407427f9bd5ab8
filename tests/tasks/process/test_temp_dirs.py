"""Temporary folders are removed, also those of processes that were killed."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from cancelling import staying_in
from ordinary_user import PYTHONPATH
from processes import ROOT, names_in
from waiting import Held, until

from tasks.process import temp_dirs as module
from tasks.process.temp_dirs import KEPT, KEPT_FOR, KEPT_PREFIX, PREFIX, keep, remove, scratch, sweep

HOLDER = """
import asyncio, sys
from pathlib import Path
from tasks.process.temp_dirs import scratch
async def hold():
    async with scratch(Path(sys.argv[1])) as folder:
        print(folder, flush=True)
        await asyncio.sleep(60)
asyncio.run(hold())
"""


def fill(folder: Path) -> None:
    """As a job may leave it: folders without the right to write or enter, and a way out of it."""
    (folder / "closed" / "inner").mkdir(parents=True)
    (folder / "closed" / "inner" / "file").write_text("x")
    (folder / "closed" / "inner" / "file").chmod(0o400)
    (folder / "out").symlink_to(folder.parent / "precious")
    (folder / "closed" / "inner").chmod(0o000)
    (folder / "closed").chmod(0o500)


@pytest.fixture
def parent(tmp_path: Path) -> Path:
    (tmp_path / "precious").mkdir(mode=0o755)
    (tmp_path / "precious" / "file").write_text("x")
    return tmp_path


async def use(parent: Path) -> Path:
    async with scratch(parent) as folder:
        fill(folder)
        return folder


async def test_a_folder_is_removed_with_all_that_is_in_it_and_nothing_else(parent: Path) -> None:
    assert not (await use(parent)).exists()
    assert (parent / "precious" / "file").exists()
    assert (parent / "precious").stat().st_mode & 0o777 == 0o755


ORDINARY_USER = """
import os, sys
from pathlib import Path
from ordinary_user import become_ordinary
from tasks.process.temp_dirs import remove
parent = Path(sys.argv[1])
os.chdir(parent)
become_ordinary(parent)
inner = Path("folder/closed/inner")
inner.mkdir(parents=True)
(inner / "file").write_text("x")
inner.chmod(0)
inner.parent.chmod(0o500)
remove(Path("folder"))
print(os.geteuid() != 0, os.listdir("."))
"""


def test_folders_without_the_right_to_write_are_removed_by_an_ordinary_user_too(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": PYTHONPATH}
    command = [sys.executable, "-c", ORDINARY_USER, str(tmp_path)]
    user = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert user.stdout.split() == ["True", "[]"]


async def test_a_folder_is_removed_whatever_happens(parent: Path) -> None:
    async def fail() -> None:
        async with scratch(parent):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await fail()
    user = await staying_in(scratch(parent))
    user.cancel()
    with pytest.raises(asyncio.CancelledError):
        await user
    assert names_in(parent) == ["precious"]


async def test_the_next_user_sweeps_what_a_killed_one_left_and_nothing_in_use(parent: Path) -> None:
    def hold() -> tuple[subprocess.Popen[str], Path]:
        user = subprocess.Popen([sys.executable, "-c", HOLDER, parent], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert user.stdout is not None
        return user, Path(user.stdout.readline().strip())

    (killed, left_behind), (living, in_use) = hold(), hold()
    with killed, living:
        fill(left_behind)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        (parent / f"{PREFIX}out").symlink_to(parent / "precious")
        await use(parent)
        assert not left_behind.exists()
        assert in_use.exists()
        assert (parent / "precious" / "file").exists()
        living.kill()


async def test_users_at_the_same_time_do_not_sweep_each_other(parent: Path) -> None:
    async def check() -> None:
        for _ in range(10):
            async with scratch(parent) as folder:
                (folder / "file").write_text("x")
                await asyncio.sleep(0)
                assert (folder / "file").exists()

    await asyncio.gather(*(check() for _ in range(8)))


async def kept_copy(parent: Path) -> Path | None:
    async with scratch(parent) as folder:
        fill(folder)
        (folder / "copy").mkdir()
        return keep(folder / "copy")


async def test_a_kept_folder_stays_when_its_user_goes_and_is_not_swept(parent: Path) -> None:
    copy = await kept_copy(parent)
    await use(parent)
    assert copy is not None
    assert copy.is_dir()
    assert (copy.parent / "out").is_symlink()
    assert not [name for name in names_in(parent) if name.startswith(PREFIX)]


async def test_only_the_last_few_are_kept(parent: Path) -> None:
    (parent / f"{KEPT_PREFIX}out").symlink_to(parent / "precious")
    copies = [await kept_copy(parent) for _ in range(KEPT + 2)]
    assert [copy is not None and copy.exists() for copy in copies] == [False, False] + KEPT * [True]
    assert (parent / "precious" / "file").exists()


async def test_the_newest_kept_folder_stays_though_the_clock_was_ahead_when_others_were_kept(parent: Path) -> None:
    for _ in range(KEPT + 1):
        copy = await kept_copy(parent)
        assert copy is not None
        os.utime(copy.parent, (time.time() + 86_400,) * 2)
    last = await kept_copy(parent)
    assert last is not None
    assert last.exists()
    assert len([name for name in names_in(parent) if name.startswith(KEPT_PREFIX)]) == KEPT


async def test_folders_kept_too_long_are_swept(parent: Path) -> None:
    copies = [await kept_copy(parent) for _ in range(2)]
    longest = time.time() - KEPT_FOR.total_seconds()
    for copy, kept_at in zip(copies, (longest - 60, longest + 60), strict=True):
        assert copy is not None
        os.utime(copy.parent, (kept_at, kept_at))
    sweep(parent)
    assert [copy is not None and copy.exists() for copy in copies] == [False, True]


async def test_a_folder_that_its_job_took_away_is_not_kept(parent: Path) -> None:
    async with scratch(parent) as folder:
        folder.rename(parent / "elsewhere")
        assert keep(folder) is None


def test_folders_of_a_killed_user_are_swept_without_another_user(parent: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, parent], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as killed:
        assert killed.stdout is not None
        left_behind = Path(killed.stdout.readline().strip())
        sweep(parent)
        assert left_behind.exists()
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        sweep(parent)
        assert not left_behind.exists()


async def test_a_folder_that_a_sweep_was_quicker_to_lock_is_not_waited_for(
    parent: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, locks = tempfile.mkdtemp, list[int]()

    def swept(**_: object) -> str:
        folder = make(prefix=PREFIX, dir=parent)
        if not locks:
            locks.append(os.open(folder, os.O_RDONLY))
            fcntl.flock(locks[0], fcntl.LOCK_EX)
        return folder

    monkeypatch.setattr(tempfile, "mkdtemp", swept)
    async with scratch(parent) as folder:
        assert folder.name in names_in(parent)
    os.close(locks[0])


async def test_a_folder_is_closed_before_its_user_goes_on_whenever_it_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held()
    monkeypatch.setattr(module, "remove", held.up(remove))
    running = await staying_in(scratch(tmp_path), lambda folder: folder.chmod(0o711))
    running.cancel()
    await until(held.begun.is_set)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    (name,) = names_in(tmp_path)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o700
    held.go_on.set()


async def test_a_removal_that_fails_leaves_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "remove", fail)
    with pytest.raises(ZeroDivisionError):
        async with scratch(tmp_path):
            pass
    monkeypatch.undo()
    sweep(tmp_path)
    assert names_in(tmp_path) == []
