"""Scratch folders: removed at the end, swept after a crash; a few of failed jobs are kept for inspection."""

import asyncio
import fcntl
import math
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex

from tasks.process.background import Stop, never, run_in_background

PREFIX = "reportback-scratch-"
"""Folders with this prefix that no process locks are removed: nothing else may use it."""

KEPT_PREFIX = "reportback-failed-"
KEPT = 5
"""Folders that are kept for inspection: the latest in each parent folder."""
KEPT_FOR = timedelta(days=7)
"""How long they are kept, at most."""

SWEEP = timedelta(seconds=5)
"""How long a job waits for a sweep, each time it needs a folder; the next job's sweep continues it."""
REMOVAL = timedelta(minutes=1)
"""How long a job waits for the removal of a folder."""
REMOVAL_OF_CANCELLED = timedelta(seconds=1)


@asynccontextmanager
async def scratch(parent: Path | None = None) -> AsyncIterator[Path]:
    """An empty folder in *parent* (the system's temporary folder), removed at the end with its content.

    The process holds a lock on it, which the kernel drops when the process dies. So an unlocked folder is a leftover,
    and is removed here. All waits are bounded: a cancelled job leaves quickly, a cancellation during the removal is not
    held up, and what is left is closed to a later job of the same user and removed by the next sweep.
    """
    within = parent or Path(tempfile.gettempdir())
    await _within(partial(sweep, within), SWEEP)
    folder, lock = _claim(within)
    longest = REMOVAL
    try:
        yield folder
    except asyncio.CancelledError:
        longest = REMOVAL_OF_CANCELLED
        raise
    finally:
        with suppress(OSError):
            os.fchmod(lock, 0o700)  # here, as it is not known when the removal's thread starts
        await _within(partial(_remove_and_unlock, folder, lock), longest)


async def _within(work: Callable[[Stop], None], longest: timedelta) -> None:
    with suppress(TimeoutError):  # a disk that does not answer
        await run_in_background(work, longest=longest)


def keep(inside: Path, stop: Stop = never) -> Path | None:
    """Keep the scratch folder that contains *inside* under another name; returns where *inside* is then.

    Of those kept before, the latest `KEPT` - 1 stay. None: it does not exist any more.
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
        remove(old, stop)
    return kept / inside.relative_to(folder)


def kept_in(within: Path, *, before: float = math.inf) -> list[Path]:
    """Our kept folders in *within*, the oldest first, from *before* a time in seconds since 1970."""
    found: list[tuple[float, Path]] = []
    for folder in within.glob(f"{KEPT_PREFIX}*"):
        with suppress(OSError):  # gone meanwhile
            seen = folder.lstat()
            if seen.st_uid == os.geteuid() and not folder.is_symlink() and seen.st_mtime < before:
                found.append((seen.st_mtime, folder))
    return [folder for _, folder in sorted(found)]


@contextmanager
def scratch_here(within: Path, stop: Stop = never) -> Iterator[Path]:
    """`scratch` for a thread, without time limits but *stop*."""
    sweep(within, stop)
    folder, lock = _claim(within)
    try:
        yield folder
    finally:
        _remove_and_unlock(folder, lock, stop)


def _claim(within: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=within))
        with suppress(FileNotFoundError):  # a sweep was quicker than the lock
            lock = os.open(folder, os.O_RDONLY)
            if has_locked(lock) and folder.exists():
                return folder, lock
            os.close(lock)


def has_locked(opened: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock a descriptor, unless another process holds a conflicting lock: waiting would block the event loop."""
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sweep(within: Path | None = None, stop: Stop = never) -> None:
    """Remove what dead processes left in *within* (the system's temporary folder), and what was kept for too long."""
    within = within or Path(tempfile.gettempdir())
    for old in kept_in(within, before=time.time() - KEPT_FOR.total_seconds()):
        remove(old, stop)
    for folder in within.glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, gone meanwhile, or another user's
            if folder.lstat().st_uid != os.geteuid():
                continue
            with _opened(folder) as lock:
                if has_locked(lock):
                    remove(folder, stop)


def _remove_and_unlock(folder: Path, lock: int, stop: Stop) -> None:
    try:
        remove(folder, stop)
    finally:
        os.close(lock)


def remove(folder: Path, stop: Stop = never) -> None:
    """Remove *folder* and all in it, also if a job made it read-only. A later sweep removes what is left.

    Handles any depth, and touches nothing else, whatever a process of the job does there meanwhile.
    """
    with suppress(OSError), _opened(folder) as top:  # gone meanwhile, or another user's
        os.fchmod(top, 0o700)  # first: a later job may run as the same user
        while sum(_is_less(top, name, stop) for name in _names(top, stop)):
            pass
        folder.rmdir()


def _names(folder: int, stop: Stop) -> Iterator[str]:
    """The names in *folder*, until *stop*: a list of them may be larger than memory."""
    with os.scandir(folder) as found:
        for entry in found:
            if stop():
                return
            yield entry.name


def _is_less(top: int, name: str, stop: Stop) -> bool:
    """Remove *name* of *top*: a file, an empty folder, or a folder's content. Whether that removed anything.

    Subfolders are moved up before their parent is removed: paths stay short, without recursion.
    """
    with suppress(OSError):
        os.unlink(name, dir_fd=top)
        return True
    with suppress(OSError):
        os.rmdir(name, dir_fd=top)
        return True
    with suppress(OSError), _opened(name, top) as folder:
        return bool(sum(_is_lifted(folder, inner, top) for inner in _names(folder, stop)))
    return False


def _is_lifted(folder: int, name: str, top: int) -> bool:
    """Remove *name* of *folder*; if it is a folder, move it to *top*. False: it stays."""
    with suppress(OSError):
        try:
            os.unlink(name, dir_fd=folder)
        except IsADirectoryError:
            with _opened(name, folder):  # moving a folder needs write permission for it
                os.rename(name, token_hex(16), src_dir_fd=folder, dst_dir_fd=top)
        return True
    return False


@contextmanager
def _opened(folder: Path | str, within: int | None = None) -> Iterator[int]:
    """A descriptor of *folder*, which its owner may read and change now. Raises OSError: it is no folder, or a link."""
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


def newest_first(
    folder: Path, is_ours: Callable[[str], bool], *, just_made: Path | None = None
) -> list[tuple[float, Path]]:
    """Entries of *folder* under a name of ours, with their time in seconds since 1970, the newest first.

    *just_made* is left out. An entry with a future time was made while the clock was ahead, and counts as the oldest.
    """
    now, found = time.time(), []
    for entry in folder.iterdir():
        with suppress(OSError):  # removed meanwhile
            if is_ours(entry.name) and entry != just_made:
                found.append((entry.lstat().st_mtime, entry))
    return sorted(found, key=lambda one: (one[0] <= now, *one), reverse=True)


def set_mtime_to_now(folder: Path) -> None:
    """Set the time of *folder* by the clock of this host, which `newest_first` compares it with."""
    now = time.time()
    os.utime(folder, (now, now))
