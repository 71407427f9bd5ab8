"""Folders that go when their user goes, also when it was killed: what it left behind is swept, and a few are kept."""

import asyncio
import fcntl
import math
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

PREFIX = "reportback-scratch-"
"""Whatever is called so and is locked by nobody is removed: nothing else may use it."""

KEPT_PREFIX = "reportback-failed-"
KEPT = 5
"""Folders that stay for somebody to look at: the last of each place."""
LONGEST = timedelta(days=7)
"""How long they stay, at most."""


@asynccontextmanager
async def scratch(parent: Path | None = None) -> AsyncIterator[Path]:
    """An empty folder in *parent* (the system's temporary folder), removed at the end with all that is in it.

    Its user holds a lock on it, which the kernel drops when the process dies. So a folder that nobody locks is a
    leftover, and is removed here. A cancel that comes while it is removed is not held up; the removal goes on.
    """
    within = parent or Path(tempfile.gettempdir())
    await asyncio.to_thread(sweep, within)
    folder, lock = _claim(within)
    try:
        yield folder
    finally:
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, _let_go, folder, lock))


def keep(inside: Path) -> Path | None:
    """Have the scratch folder that *inside* stands in stay under another name; where *inside* is from now on.

    Of those that were kept before it, the last `KEPT` - 1 stay. None: it is not there any more.
    """
    folder = next(one for one in (inside, *inside.parents) if one.name.startswith(PREFIX))
    kept = folder.with_name(KEPT_PREFIX + folder.name.removeprefix(PREFIX))
    try:
        folder.chmod(0o700)  # a later job may run as the same user
        folder.rename(kept)
        os.utime(kept)
    except OSError:
        return None
    for old in kept_in(kept.parent)[:-KEPT]:
        remove(old)
    return kept / inside.relative_to(folder)


def kept_in(within: Path, *, before: float = math.inf) -> list[Path]:
    """Our own that stay in *within*, the one that was kept first first. *before*: a time in seconds since 1970."""
    found: list[tuple[float, Path]] = []
    for folder in within.glob(f"{KEPT_PREFIX}*"):
        with suppress(OSError):  # gone meanwhile
            seen = folder.lstat()
            if seen.st_uid == os.geteuid() and not folder.is_symlink() and seen.st_mtime < before:
                found.append((seen.st_mtime, folder))
    return [folder for _, folder in sorted(found)]


def _claim(within: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=within))
        with suppress(FileNotFoundError):  # a sweep was quicker than the lock
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)


def sweep(within: Path | None = None) -> None:
    """Remove what users that died have left in *within* (the system's temporary folder), and what was kept too long."""
    within = within or Path(tempfile.gettempdir())
    for old in kept_in(within, before=time.time() - LONGEST.total_seconds()):
        remove(old)
    for folder in within.glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, gone meanwhile, or another user's
            if folder.lstat().st_uid != os.geteuid():
                continue
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)
            finally:
                os.close(lock)


def _let_go(folder: Path, lock: int) -> None:
    remove(folder)
    os.close(lock)


def remove(folder: Path) -> None:
    """Remove *folder* and all in it, also where a job took away the right to write. What stays, a later sweep takes."""
    for inside, folders, _ in os.walk(folder):
        for path in (Path(inside, name) for name in folders):
            with suppress(OSError):  # another user's
                if not path.is_symlink():
                    path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
