"""Folders that are kept, by their age."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


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
