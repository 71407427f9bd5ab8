"""Files that a job user left in world-writable folders are removed with its job."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from build_rig import BuildRig
from job_user_rig import USERS, job_python
from processes import names_in

from domain.jobs.job_states import JobState
from tasks.process import user_lock
from tasks.process.user_lock import acquire_user, clear, sysv_owners
from tasks.process.users import JobUser

ME, OTHER = USERS[:2]
SHARED = Path("/dev/shm")  # noqa: S108  # whose it is
MINUTE = timedelta(minutes=1)

LEAVE = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def made(number):
    assert number >= 0, os.strerror(ctypes.get_errno())
made(libc.shmget(0, 4096, 0o1600))
made(libc.semget(0, 3, 0o1600))
made(libc.msgget(0, 0o1600))
for folder in sys.argv[1:]:
    os.chdir(folder)
    name = f"left-{os.getuid()}"
    open(name, "w").write("a secret of the job's")
    os.symlink("/etc", name + "-link")
    os.makedirs(name + "-folder/a/b/c")
    open(name + "-folder/a/b/file", "w").close()
    os.chmod(name + "-folder/a", 0)
    os.chmod(name + "-folder", 0o777)
"""


@pytest.fixture
def open_folders(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Two folders as open as /tmp, and /dev/shm itself."""
    made = [place / "tmp", place / "open"]
    made[1].mkdir()
    made[1].chmod(0o1777)
    monkeypatch.setattr(user_lock, "OPEN", (made[1], place / "none", SHARED))
    yield [*made, SHARED]
    asyncio.run(clear(ME, longest=MINUTE))  # also where the test fails
    asyncio.run(clear(OTHER, longest=MINUTE))


def leave(user: JobUser, folders: list[Path]) -> None:
    command = [job_python(), "-c", LEAVE, *map(str, folders)]
    subprocess.run(command, cwd="/", check=True, user=user.uid, group=user.gid, extra_groups=())


def left_by(user: JobUser, folders: list[Path]) -> list[str]:
    names = [f"{folder}/{name}" for folder in folders for name in names_in(folder) if f"left-{user.uid}" in name]
    return [*names, *(kind for kind in ("shm", "sem", "msg") for owners in sysv_owners(kind) if user.uid in owners)]


def test_it_leaves_something_in_each_place(open_folders: list[Path]) -> None:
    leave(ME, open_folders)
    assert len(left_by(ME, open_folders)) == 3 * len(open_folders) + 3


@pytest.mark.parametrize("database", ["sqlite"])
@pytest.mark.parametrize("ending", ["0", "1"])
async def test_all_files_of_a_job_are_removed_with_it(rig: BuildRig, open_folders: list[Path], ending: str) -> None:
    command = [job_python(), "-c", f"{LEAVE}\nraise SystemExit({ending})", *map(str, open_folders)]
    ended = await rig.run(command)
    assert ended.state is (JobState.FAILED if ending == "1" else JobState.SUCCEEDED), rig.lines
    assert [left_by(user, open_folders) for user in USERS] == [[], [], [], []]


async def test_files_of_a_killed_flow_are_removed_before_the_next_job(open_folders: list[Path]) -> None:
    leave(ME, open_folders)
    async with acquire_user([ME]) as user:
        assert user == ME
        assert left_by(ME, open_folders) == []


async def test_only_the_users_own_files_are_removed(open_folders: list[Path]) -> None:
    leave(OTHER, open_folders)
    ours = open_folders[1] / "ours"
    ours.touch()
    theirs = left_by(OTHER, open_folders)
    assert await clear(ME, longest=MINUTE)
    assert left_by(OTHER, open_folders) == theirs
    assert ours.exists()
    assert await clear(OTHER, longest=MINUTE)
    assert left_by(OTHER, open_folders) == []


async def test_another_users_files_in_a_folder_of_the_users_keep_nothing_there(open_folders: list[Path]) -> None:
    leave(ME, open_folders)
    inner = open_folders[1] / f"left-{ME.uid}-folder" / "theirs"
    inner.mkdir(mode=0o700)
    (inner / "file").touch()
    for path in (inner, inner / "file"):
        os.chown(path, OTHER.uid, OTHER.gid)
    assert await clear(ME, longest=MINUTE)
    assert left_by(ME, open_folders) == []


async def test_a_file_that_cannot_be_removed_is_reported(
    open_folders: list[Path], monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    leave(ME, open_folders)
    with monkeypatch.context() as patch:
        patch.setattr(user_lock, "_remove_files", lambda *_: None)
        async with acquire_user([ME]):
            pass
    assert logged == [
        f"what an earlier job left in folders that are open to all could not be removed, as user {ME.uid}"
    ]


async def test_a_world_writable_folder_without_the_sticky_bit_is_left_alone(open_folders: list[Path]) -> None:
    leave(ME, open_folders)
    open_folders[1].chmod(0o777)
    await clear(ME, longest=MINUTE)
    assert {Path(one).parent for one in left_by(ME, open_folders)} == {open_folders[1]}
    open_folders[1].chmod(0o1777)
