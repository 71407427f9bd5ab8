"""Folders that preparations made, kept for the next job: whole or not at all, bounded in number and size.

`FOLDER/KEY/` holds each folder under its number, and `size`. An entry is made elsewhere and put in place by one rename,
so it is whole; who uses it holds a shared lock, and what is locked is not removed.
"""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from domain.process.limits import FileBounds
from domain.text import LogLine
from tasks.process.files import copy_files
from tasks.process.temp_dirs import newest_first, now_is_its_time, scratch
from tasks.process.users import JobUser

MOST = 50
"""Entries that are kept."""
KEY_LENGTH = 64
"""Hexadecimal digits. Nothing that is called otherwise is touched."""
SIZE_FIELD = "REPORTBACK_CACHE_SIZE"


@dataclass(frozen=True, slots=True)
class Cache:
    """Where entries are kept, and how many bytes they may have together."""

    folder: Path
    size: int


async def restore(
    cache: Cache,
    key: str,
    places: Sequence[Path],
    bounds: FileBounds,
    *,
    tops: Sequence[Path] = (),
    user: JobUser | None = None,
) -> bool:
    """Copy an entry's folders to *places*, where nothing stands. False: there is no such entry.

    *tops*, and all in them, are *user*'s afterwards, if there is one.

    Raises:
        FileWorkFailed, OSError: it could not be copied; something may stand in *places*.
        NoSpace: the disk has become too full.
    """
    entry = cache.folder / key
    with _locked(entry, fcntl.LOCK_SH) as is_there:
        if not is_there or _size(entry) is None:
            return False
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
        from_to = [(entry / str(number), place) for number, place in enumerate(places)]
        await copy_files(from_to, bounds, tops=tops, user=user)
        with suppress(OSError):  # another user's
            now_is_its_time(entry)  # what was used last is removed last
    return True


async def discard(cache: Cache, key: str) -> None:
    """Remove an entry that could not be restored, so that a later one can take its place. Raises OSError."""
    async with scratch(cache.folder) as bin_:
        _move(cache.folder / key, bin_)


async def save(cache: Cache, key: str, folders: Sequence[Path], bounds: FileBounds, *, say: LogLine) -> None:
    """Keep a copy of *folders* under *key*; who came first stays.

    *say* is told of old entries that could not be removed.

    Raises:
        FileWorkFailed, OSError: they are not kept; `TooMuch` where they are larger than the whole cache may be, too.
        NoSpace: the disk has become too full.
    """
    cache.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what a private repository needs is no other job's
    async with scratch(cache.folder) as made:
        entry = made / key
        entry.mkdir()
        from_to = [(folder, entry / str(number)) for number, folder in enumerate(folders)]
        copied = await copy_files(from_to, bounds.at_most(cache.size, SIZE_FIELD), lasts=True)
        (entry / "size").write_text(str(copied.size), encoding="ascii")  # last: without it an entry is not whole
        now_is_its_time(entry)
        _put_in_place(entry, cache.folder / key, made)
        if failed := _remove_oldest(cache, made, just_made=cache.folder / key):
            say(f"{len(failed)} old entries of the cache could not be removed: {failed[0].strerror}")


def _put_in_place(entry: Path, place: Path, bin_: Path) -> None:
    """Another job that was quicker stays. Raises OSError."""
    if _size(place) is None:  # nothing, or nothing whole
        _move(place, bin_)
    try:
        entry.rename(place)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _remove_oldest(cache: Cache, bin_: Path, *, just_made: Path) -> list[OSError]:
    """Move to *bin_*, which goes with all that is in it, what is too much, and what is no whole entry.

    *just_made* stays, and counts. Returns why some could not be moved; they hold up no others.
    """
    left, failed = cache.size - (_size(just_made) or 0), list[OSError]()
    for count, (_, entry) in enumerate(newest_first(cache.folder, _is_key, just_made=just_made), start=1):
        size = _size(entry)
        left -= size or 0
        if count >= MOST or size is None or left < 0:
            try:
                _move(entry, bin_)
            except OSError as error:
                failed.append(error)
    return failed


def _move(entry: Path, bin_: Path) -> None:
    """Move it, unless it is in use. Raises OSError."""
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
