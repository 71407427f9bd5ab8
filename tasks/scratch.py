"""Folders that go when their user goes, also when it was killed: what it left behind is swept, and a few are kept."""

import asyncio
import fcntl
import math
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from secrets import token_hex

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
    leftover, and is removed here. A cancel that comes while it is removed is not held up; the removal goes on, in a
    folder that is closed to a later job of the same user.
    """
    within = parent or Path(tempfile.gettempdir())
    await asyncio.to_thread(sweep, within)
    folder, lock = _claim(within)
    try:
        yield folder
    finally:
        with suppress(OSError):
            os.fchmod(lock, 0o700)  # here, since nobody knows when the removal's thread begins
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
    for old in [one for one in kept_in(kept.parent) if one != kept][: 1 - KEPT]:  # whatever its clock says
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


@contextmanager
def scratch_here(within: Path) -> Iterator[Path]:
    """`scratch` for a thread that may take its time."""
    sweep(within)
    folder, lock = _claim(within)
    try:
        yield folder
    finally:
        _let_go(folder, lock)


def _claim(within: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=within))
        with suppress(FileNotFoundError):  # a sweep was quicker than the lock
            lock = os.open(folder, os.O_RDONLY)
            if _is_ours(lock) and folder.exists():
                return folder, lock
            os.close(lock)


def _is_ours(lock: int) -> bool:
    """Lock it, unless a sweep has: that is not waited for, in the thread of everything else."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sweep(within: Path | None = None) -> None:
    """Remove what users that died have left in *within* (the system's temporary folder), and what was kept too long."""
    within = within or Path(tempfile.gettempdir())
    for old in kept_in(within, before=time.time() - LONGEST.total_seconds()):
        remove(old)
    for folder in within.glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, gone meanwhile, or another user's
            if folder.lstat().st_uid != os.geteuid():
                continue
            with _opened(folder) as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(folder)


def _let_go(folder: Path, lock: int) -> None:
    try:
        remove(folder)
    finally:
        os.close(lock)


def remove(folder: Path) -> None:
    """Remove *folder* and all in it, also where a job took away the right to write. What stays, a later sweep takes.

    No depth is too deep, and nothing else is touched, whatever a process of the job does there meanwhile.
    """
    with suppress(OSError), _opened(folder) as top:  # gone meanwhile, or another user's
        os.fchmod(top, 0o700)  # first: a later job may run as the same user
        _empty(top)
        folder.rmdir()


def _empty(top: int) -> None:
    """Remove what is in *top*. A folder's folders move up before it goes: paths stay short, and nothing recurses."""
    folders = _lift(top, top)
    while folders:
        lifted: list[str] = []
        with suppress(OSError), _opened(folders[-1], top) as folder:
            lifted = _lift(folder, top)
        if not lifted:
            with suppress(OSError):  # it stays
                os.rmdir(folders.pop(), dir_fd=top)
        folders += lifted


def _lift(folder: int, top: int) -> list[str]:
    """Remove what is in *folder*, but for its folders: these are moved to *top*, under the names that this returns."""
    lifted = []
    for name in os.listdir(folder):
        with suppress(OSError):  # it stays
            try:
                os.unlink(name, dir_fd=folder)
            except IsADirectoryError:
                up = token_hex(16)
                with _opened(name, folder):  # who moves a folder needs the right to write to it
                    os.rename(name, up, src_dir_fd=folder, dst_dir_fd=top)
                lifted.append(up)
    return lifted


@contextmanager
def _opened(folder: Path | str, within: int | None = None) -> Iterator[int]:
    """A descriptor of *folder*, in which its owner may do all from now on. Raises OSError: it is none, or a link."""
    found = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=within)
    try:
        if ~os.fstat(found).st_mode & 0o700:
            Path(f"/proc/self/fd/{found}").chmod(0o700)  # no name that the job could lead elsewhere
        opened = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=found)
    finally:
        os.close(found)
    try:
        yield opened
    finally:
        os.close(opened)
