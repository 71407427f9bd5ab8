"""Folders that are kept of a working copy: found without being led out of it, copied, and put in place whole."""

import asyncio
import ctypes
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from tasks.command import run_command

LIMIT = timedelta(minutes=10)
"""For one copy."""


class CopyFailed(Exception):
    """The copy was not made, or not wholly. The message is `cp`'s."""


def within(root: Path, path: str) -> Path | None:
    """Where *path*, which is relative, stands in *root*; None if a symbolic link on the way leads out of it.

    Nothing needs to stand there; what does may itself be a symbolic link, and is not followed.
    """
    place = root / path
    try:
        return place if place.parent.resolve().is_relative_to(root.resolve()) else None
    except RuntimeError:  # until Python 3.12: it leads in a circle
        return None


def everything_in(folder: Path) -> Iterator[os.DirEntry[str]]:
    """What stands in *folder*, at any depth, a folder before what is in it; nothing if it is no folder, or a link.

    No link is followed. `os.walk` does follow *folder* itself, recurses until Python 3.11, and passes over what it
    cannot look into.

    Raises:
        OSError: a folder is closed to us, or its path too long.
    """
    folders = [] if folder.is_symlink() or not folder.is_dir() else [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as found:
            entries = list(found)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            yield entry


def size_of(folder: Path) -> int:
    """The bytes of all files in *folder*, or of the file that it is. Symbolic links count by themselves.

    Raises OSError: some cannot be counted.
    """
    return folder.lstat().st_size + sum(one.stat(follow_symlinks=False).st_size for one in everything_in(folder))


def newest_first(
    folder: Path, is_ours: Callable[[str], bool], *, just_made: Path | None = None
) -> list[tuple[float, Path]]:
    """What stands in *folder* under a name of ours, with the time it was made at, in seconds since 1970.

    *just_made* is left out. What has a time that is yet to come was made while the clock was ahead: before all else.
    """
    now, found = time.time(), []
    for entry in folder.iterdir():
        with suppress(OSError):  # removed meanwhile
            if is_ours(entry.name) and entry != just_made:
                found.append((entry.lstat().st_mtime, entry))
    return sorted(found, key=lambda one: (one[0] <= now, *one), reverse=True)


def now_is_its_time(folder: Path) -> None:
    """Have *folder* be as old as the clock of this host says, which `newest_first` compares it with."""
    now = time.time()
    os.utime(folder, (now, now))


async def copy_folder(source: Path, destination: Path) -> None:
    """Copy *source*, a folder or a file, to *destination*, where nothing stands; symbolic links as they are.

    The copy is ours, whosever the source is, and none of its programs runs with our rights for who starts it.

    Raises:
        CopyFailed: no space, no right to read or write, a path that is too long, or not within ten minutes.
    """
    done = await run_command(
        ("cp", "-a", "--no-preserve=ownership", "-T", "--", str(source), str(destination)),
        cwd=source.parent,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
        timeout=LIMIT,
        on_line=lambda _: None,
    )
    if done.exit_code != 0:
        raise CopyFailed(done.tail[0] if done.tail else f"cp: {done.ended_by.value}")
    await asyncio.to_thread(_lend_nothing, destination)


def _lend_nothing(top: Path) -> None:
    """Take setuid and setgid from all in *top*: set by a job, they were its own rights, and would be ours now."""
    for path in (top, *map(Path, everything_in(top))):
        mode = path.lstat().st_mode
        if mode & (stat.S_ISUID | stat.S_ISGID) and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & 0o777)


def write_out(folder: Path) -> None:
    """Have all that was written to the disk of *folder* stand there, before it is put in place under its name."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(opened) != 0:
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(opened)
