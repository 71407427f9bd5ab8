"""Folders that go when their user goes, also when it was killed: the next user sweeps what it left behind."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

PREFIX = "reportback-scratch-"
"""Whatever is called so and is locked by nobody is removed: nothing else may use it."""


@asynccontextmanager
async def scratch(parent: Path | None = None) -> AsyncIterator[Path]:
    """An empty folder in *parent* (the system's temporary folder), removed at the end with all that is in it.

    Its user holds a lock on it, which the kernel drops when the process dies. So a folder that nobody locks is a
    leftover, and is removed here.
    """
    within = parent or Path(tempfile.gettempdir())
    await asyncio.to_thread(_sweep, within)
    folder, lock = _claim(within)
    try:
        yield folder
    finally:
        await asyncio.to_thread(_remove, folder)
        os.close(lock)


def _claim(within: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=within))
        with suppress(FileNotFoundError):  # a sweep was quicker than the lock
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def _sweep(within: Path) -> None:
    for folder in within.glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, gone meanwhile, or another user's
            if folder.lstat().st_uid != os.geteuid():
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)
            finally:
                os.close(lock)


def _remove(folder: Path) -> None:
    """Remove *folder* and all in it, also where a job took away the right to write. What stays, a later sweep takes."""
    for inside, folders, _ in os.walk(folder):
        for path in (Path(inside, name) for name in folders):
            with suppress(OSError):  # another user's
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
