"""Removes what a job user has left outside the job's folders: in world-writable folders and System V IPC."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from tasks.process.background import Stop, run_in_background
from tasks.process.command import CannotStart, run_command
from tasks.process.temp_dirs import remove
from tasks.process.users import JobUser

OPEN = tuple(map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")))  # noqa: S108  # not used: cleared
"""Where every user may create files, beside our own temporary folder; POSIX semaphores are in /dev/shm."""
SYSV = Path("/proc/sysvipc")
"""https://man7.org/linux/man-pages/man5/proc_sysvipc.5.html"""
REMOVE_SYSV = ("ipcrm", "--all")
"""Removes all that the user who runs it owns or has made, whoever still uses it."""
SYSV_WITHIN = timedelta(seconds=10)


async def clear(user: JobUser, *, longest: timedelta) -> bool:
    """Remove all that *user*, who has no running process, owns in open folders and System V IPC. False: some is left.

    A folder is removed with all its content, whoever owns it.
    """
    with suppress(TimeoutError):  # a disk that does not answer
        await run_in_background(partial(_remove_files, user.uid), longest=longest)
    with suppress(CannotStart):
        await _remove_sysv(user)
    return not (_owns_sysv(user.uid) or any(_files_of(user.uid)))


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


async def _remove_sysv(user: JobUser) -> None:
    """Remove them as that user: others' would need a capability that no worker should have."""
    if _owns_sysv(user.uid):
        await run_command(REMOVE_SYSV, cwd=Path("/"), env={}, timeout=SYSV_WITHIN, on_line=lambda _: None, user=user)


def _owns_sysv(uid: int) -> bool:
    return any(uid in owners for kind in ("shm", "sem", "msg") for owners in sysv_owners(kind))


def sysv_owners(kind: str) -> list[tuple[int, int]]:
    """The owner and maker of each "shm", "sem" or "msg" of this container; empty with a kernel without these."""
    with suppress(FileNotFoundError):
        names, *rows = (line.split() for line in (SYSV / kind).read_text(encoding="ascii").splitlines())
        return [(int(row[names.index("uid")]), int(row[names.index("cuid")])) for row in rows]
    return []
