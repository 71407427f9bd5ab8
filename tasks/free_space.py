"""Whether this machine has room for another job."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from storage.engine import Ledger

LEAST = 1024**3
"""Bytes that have to be free: jobs fill disks, and a ledger on a full one can record no outcome."""


class NoSpace(Exception):
    """There is too little room for a job. The message may be shown to anybody."""


def free_in(folder: Path) -> int:
    """Bytes that we may still write on the disk of *folder*."""
    return shutil.disk_usage(folder).free


def folders_of_a_job(ledger: Ledger) -> list[Path]:
    """The folders on whose disks a job writes: the one for working copies, and that of an embedded ledger."""
    embedded = [Path(ledger.place).parent] if ledger.engine.dialect.name == "sqlite" else []
    return [Path(tempfile.gettempdir()), *embedded]


def check_free_space(folders: Iterable[Path], *, free: Callable[[Path], int] = free_in) -> None:
    """Return if there is room on the disks of all *folders*.

    Raises:
        NoSpace: there is not.
    """
    if min(map(free, folders)) < LEAST:
        raise NoSpace("no space: less than 1 GiB is free")
