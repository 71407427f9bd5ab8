"""Checks the folders that are used here: free bytes, free inodes, the right to write, and TMPDIR itself."""

import os
import pwd
from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy.engine import make_url

from console.checks.finding import Finding, bad, good
from settings import Settings
from tasks.process.disk_space import LEAST, NoSpace, temporary_folder

FEWEST_FILES = 10_000
"""Inodes that must be free: a checkout with its packages takes thousands."""

RUNNERS = "runner_storage"
"""The folder that every Prefect worker and `serve` of the machine makes in its TMPDIR. There is no setting for it."""


def check(settings: Settings, prefect_home: Path) -> Iterator[Finding]:
    """Findings about each disk that is used, and each folder that cannot be."""
    folders = [*_embedded(settings.database_url), settings.output_dir, settings.cache_dir, prefect_home]
    try:
        folders.append(temporary_folder())
    except NoSpace as error:
        yield bad("TMPDIR", f"{error}: {error.to_do}")
    else:
        yield runners(folders[-1])
    yield from map(disk, _by_disk(folders))
    for folder in folders:
        if not os.access(_existing(folder), os.W_OK | os.X_OK, effective_ids=True):
            yield bad("folder", f"{folder} cannot be written to by this user: `sudo chown -R {_user()}: {folder}`")


def _embedded(url: str) -> Iterator[Path]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        yield Path(parsed.database or "").parent


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def _by_disk(folders: Iterable[Path]) -> list[list[Path]]:
    """The folders, each once, with those that share a disk together."""
    disks: dict[int, list[Path]] = {}
    for folder in dict.fromkeys(folders):
        disks.setdefault(_existing(folder).stat().st_dev, []).append(folder)
    return list(disks.values())


def disk(folders: list[Path]) -> Finding:
    """Whether the disk that *folders* are on has room."""
    found = os.statvfs(_existing(folders[0]))
    return room(folders, found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def room(folders: Iterable[Path], free: int, files: int | None) -> Finding:
    """Whether *free* bytes and *files*, new ones that the disk has room for, are enough. None: it has no such limit."""
    where = ", ".join(map(str, folders))
    words = f"{free / LEAST:.1f} GiB{f' and {files:,} inodes' if files is not None else ''} free in {where}"
    if free < LEAST:
        return bad("disk", f"{words}: a full disk stops every job; make room for at least 1 GiB")
    if files is not None and files < FEWEST_FILES:
        return bad("disk", f"{words}: without inodes no file can be made; remove small files (`df -i` shows the disk)")
    return good("disk", words)


def runners(temporary: Path) -> Finding:
    """Whether a Prefect worker of this user can make its files in *temporary*."""
    folder = temporary / RUNNERS
    if not folder.exists() or os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return good("TMPDIR", f"workers make their files in {temporary}")
    return bad(
        "TMPDIR",
        f"{folder} belongs to {_user(folder.stat().st_uid)}, which keeps every Prefect worker of {_user()} that has "
        "this TMPDIR from starting: give workers one of their own, as the units in ops/systemd do, or in a shell "
        "`export TMPDIR=$(mktemp -d /var/tmp/reportback-XXXXXX)`, and start them anew",
    )


def _user(uid: int | None = None) -> str:
    number = os.geteuid() if uid is None else uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
