"""Caches the folders that prepare steps made, for later jobs: complete or not at all, bounded in number and size.

`FOLDER/KEY/` holds each folder under its number, `content` and `size`. An entry is made elsewhere and put in place by
one rename, so it is complete; a job that uses it holds a shared lock, and a locked entry is not removed.
"""

import errno
import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from domain.process.limits import FileBounds
from tasks.process.files import FileWorkFailed, copy_files
from tasks.process.temp_dirs import has_locked, newest_first, scratch, set_mtime_to_now
from tasks.process.users import JobUser

logger = logging.getLogger("reportback.jobs")

MOST = 50
"""Entries that are kept."""
KEY_LENGTH = 64
"""Hexadecimal digits. Files and folders with other names are not touched."""
SIZE_FIELD = "REPORTBACK_CACHE_SIZE"


@dataclass(frozen=True, slots=True)
class BuildCache:
    """The folder with the entries, and the most bytes that they may have together."""

    folder: Path
    size: int


async def restore(
    cache: BuildCache,
    key: str,
    places: Sequence[Path],
    bounds: FileBounds,
    *,
    tops: Sequence[Path] = (),
    user: JobUser | None = None,
) -> bool:
    """Copy an entry's folders to *places*, where nothing exists. False: there is no such entry.

    *tops*, and all in them, belong to *user* afterwards, if there is one.

    Raises:
        FileWorkFailed, OSError: it could not be copied; something may be left in *places*.
        NoSpace: the disk has become too full.
    """
    entry = cache.folder / key
    with _locked(entry, fcntl.LOCK_SH) as is_there:
        if not is_there or _size(entry) is None:
            return False
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
        from_to = [(entry / str(number), place) for number, place in enumerate(places)]
        copied = await copy_files(from_to, bounds, tops=tops, user=user)
        if str(copied.content) != _content(entry):
            raise FileWorkFailed("the entry is damaged: it is not what was kept")
        with suppress(OSError):  # another user's
            set_mtime_to_now(entry)  # the last used is removed last
    return True


async def discard(cache: BuildCache, key: str) -> None:
    """Remove an entry that could not be restored, so that a new one can replace it. Raises OSError."""
    async with scratch(cache.folder) as bin_:
        _move(cache.folder / key, bin_)


async def save(cache: BuildCache, key: str, folders: Sequence[Path], bounds: FileBounds) -> None:
    """Keep a copy of *folders* under *key*, unless there is an entry already.

    Raises:
        FileWorkFailed, OSError: they are not kept; `TooMuch` also where they are larger than the whole cache may be.
        NoSpace: the disk has become too full.
    """
    cache.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it may hold a private repository's files
    async with scratch(cache.folder) as made:
        entry = made / key
        entry.mkdir()
        from_to = [(folder, entry / str(number)) for number, folder in enumerate(folders)]
        copied = await copy_files(from_to, bounds.at_most(cache.size, SIZE_FIELD), lasts=True)
        (entry / "content").write_text(str(copied.content), encoding="ascii")
        (entry / "size").write_text(str(copied.size), encoding="ascii")  # last: without it an entry is not complete
        set_mtime_to_now(entry)
        _put_in_place(entry, cache.folder / key, made)
        if failed := _remove_oldest(cache, made, just_made=cache.folder / key):
            logger.warning("%d old entries of the cache could not be removed: %s", len(failed), failed[0].strerror)


def _put_in_place(entry: Path, place: Path, bin_: Path) -> None:
    """Rename the entry into place, unless another job was quicker. Raises OSError."""
    if _size(place) is None:  # nothing, or nothing complete
        _move(place, bin_)
    try:
        entry.rename(place)
    except OSError as error:
        if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise


def _remove_oldest(cache: BuildCache, bin_: Path, *, just_made: Path) -> list[OSError]:
    """Move incomplete entries and those beyond the bounds to *bin_*, which is removed with its content.

    *just_made* stays, and counts. Returns the errors of those that could not be moved; the others are.
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
    """The size, which is written last into *entry*; None: the entry is not complete."""
    try:
        return int((entry / "size").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _content(entry: Path) -> str:
    with suppress(OSError, ValueError):
        return (entry / "content").read_text(encoding="ascii")
    return ""


@contextmanager
def _locked(entry: Path, kind: int) -> Iterator[bool]:
    """Hold a lock on *entry*. False: there is no entry, or another process holds a conflicting lock."""
    try:
        opened = os.open(entry, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        yield False
        return
    try:
        yield has_locked(opened, kind) and _is_still(entry, opened)
    finally:
        os.close(opened)


def _is_still(entry: Path, opened: int) -> bool:
    with suppress(OSError):
        return os.path.samestat(entry.lstat(), os.fstat(opened))
    return False
