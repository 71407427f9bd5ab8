"""Folders that preparations made, kept for the next job: whole or not at all, bounded in number and size.

`FOLDER/KEY/` holds each folder under its number, and `size`. An entry is made elsewhere and put in place by one rename,
so it is whole; who uses it holds a shared lock, and what is locked is not removed.
"""

import asyncio
import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.folders import copy_folder, newest_first, size_of, write_out
from tasks.scratch import scratch

MOST = 50
"""Entries that are kept."""
KEY_LENGTH = 64
"""Hexadecimal digits. Nothing that is called otherwise is touched."""


@dataclass(frozen=True, slots=True)
class Cache:
    """Where entries are kept, and how many bytes they may have together."""

    folder: Path
    size: int


async def restore(cache: Cache, key: str, places: Sequence[Path]) -> bool:
    """Copy an entry's folders to *places*, where nothing stands. False: there is no such entry.

    Raises:
        CopyFailed: it could not be copied; something may stand in *places*.
    """
    entry = cache.folder / key
    with _locked(entry, fcntl.LOCK_SH) as is_there:
        if not is_there or _size(entry) is None:
            return False
        for number, place in enumerate(places):
            place.parent.mkdir(parents=True, exist_ok=True)
            await copy_folder(entry / str(number), place)
        os.utime(entry)  # what was used last is removed last
    return True


async def save(cache: Cache, key: str, folders: Sequence[Path]) -> bool:
    """Keep a copy of *folders* under *key*; who came first stays. False: they are too large.

    Raises:
        CopyFailed, OSError: they are not kept.
    """
    size = await asyncio.to_thread(lambda: sum(map(size_of, folders)))
    if size > cache.size:
        return False
    cache.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what a private repository needs is no other job's
    async with scratch(cache.folder) as made:
        entry = made / key
        entry.mkdir()
        for number, folder in enumerate(folders):
            await copy_folder(folder, entry / str(number))
        (entry / "size").write_text(str(size), encoding="ascii")
        await asyncio.to_thread(write_out, entry)
        _put_in_place(entry, cache.folder / key)
        _remove_oldest(cache, made)
    return True


def _put_in_place(entry: Path, place: Path) -> None:
    try:
        entry.rename(place)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):  # another job was quicker
            raise


def _remove_oldest(cache: Cache, bin_: Path) -> None:
    """Move to *bin_*, which goes with all that is in it, what is too much, and what is no whole entry."""
    left = cache.size
    for count, (_, entry) in enumerate(newest_first(cache.folder, _is_key)):
        size = _size(entry)
        left -= size or 0
        if count >= MOST or size is None or left < 0:
            with _locked(entry, fcntl.LOCK_EX) as is_there:
                if is_there:
                    entry.rename(bin_ / f"old-{entry.name}")


def _is_key(name: str) -> bool:
    return len(name) == KEY_LENGTH


def _size(entry: Path) -> int | None:
    """What was written last into *entry*; None: it is not whole."""
    try:
        return int((entry / "size").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


@contextmanager
def _locked(entry: Path, kind: int) -> Iterator[bool]:
    """Hold a lock on *entry*. False: it is not there, or held by somebody in a way that excludes ours."""
    try:
        opened = os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield _lock(opened, kind) and _is_still(entry, opened)
    finally:
        os.close(opened)


def _lock(opened: int, kind: int) -> bool:
    try:
        fcntl.flock(opened, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_still(entry: Path, opened: int) -> bool:
    with suppress(OSError):
        return os.path.samestat(entry.lstat(), os.fstat(opened))
    return False
