"""Removes what a job user has left outside the job's folders: in world-writable folders and System V IPC."""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from tasks.process import sysv
from tasks.process.background import Stop, run_in_background
from tasks.process.command import CannotStart, run_command
from tasks.process.temp_dirs import remove
from tasks.process.users import JobUser

OPEN = tuple(map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")))  # noqa: S108  # not used: cleared
"""Where every user may create files, beside our own temporary folder; POSIX semaphores are in /dev/shm."""
SYSV_WITHIN = timedelta(seconds=10)


async def clear(user: JobUser, *, longest: timedelta) -> bool:
    """Remove all that *user*, who has no running process, owns in open folders and System V IPC. False: some is left.

    A folder is removed with all its content, whoever owns it.
    """
    with suppress(TimeoutError):  # a disk that does not answer
        await run_in_background(partial(_remove_files, user.uid), longest=longest)
    with suppress(CannotStart):
        await _remove_sysv(user)
    return not (_sysv_of(user) or any(_files_of(user.uid)))


def _remove_files(uid: int, stop: Stop) -> None:
    for path in _files_of(uid):
        if stop():
            return
        with suppress(OSError):
            if stat.S_ISDIR(path.lstat().st_mode):
                remove(path, stop)
            else:
                path.unlink()


def _files_of(uid: int) -> Iterator[Path]:
    """Entries of open folders that belong to *uid*. Only of sticky folders: elsewhere others could replace them."""
    for folder in {place.resolve() for place in (*OPEN, Path(tempfile.gettempdir()))}:
        with suppress(OSError):  # there is none
            if not folder.stat().st_mode & stat.S_ISVTX:
                continue
            with os.scandir(folder) as found:
                yield from (Path(one.path) for one in found if _is_of(one, uid))


def _is_of(entry: "os.DirEntry[str]", uid: int) -> bool:
    with suppress(OSError):  # gone meanwhile
        return entry.stat(follow_symlinks=False).st_uid == uid
    return False


def _sysv_of(user: JobUser) -> bool:
    with suppress(OSError):  # a kernel without it
        return any(sysv.objects_of(user.uid))
    return False


async def _remove_sysv(user: JobUser) -> None:
    if _sysv_of(user):
        command = (sys.executable, "-I", "-S", str(sysv.__file__), str(user.uid), str(user.gid))
        await run_command(command, cwd=Path("/"), env={}, timeout=SYSV_WITHIN, on_line=lambda _: None)
