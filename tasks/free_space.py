"""Whether this machine has room for another job. Working copies that are kept to be looked at make way for it."""

import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from domain.job_type import JobType
from storage.engine import Ledger
from tasks.scratch import kept_in, remove

LEAST = 1024**3
"""Bytes that have to be free: jobs fill disks, and a ledger on a full one can record no outcome."""


class NoSpace(Exception):
    """There is too little room for a job. The message may be shown to anybody; `to_do` is for the operator."""

    def __init__(self, folder: Path, free: int) -> None:
        super().__init__("no space: less than 1 GiB is free")
        has, needs = (f"{size // 1024**2:,}" for size in (free, LEAST))
        self.to_do = (
            f"{has} MiB are free on the disk of {folder}, and a job needs {needs}: make room there, and retry it"
        )


def free_in(folder: Path) -> int:
    """Bytes that we may still write on the disk of *folder*, which may have yet to be made."""
    return shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists())).free


def folders_of_a_job(ledger: Ledger, job_type: JobType, *, outputs: Path | None, cache: Path | None) -> list[Path]:
    """The folders on whose disks a job writes: for working copies, of an embedded ledger, and what its type keeps."""
    folders = [Path(tempfile.gettempdir())]
    if ledger.engine.dialect.name == "sqlite":
        folders.append(Path(ledger.place).parent)
    if outputs and job_type.output:
        folders.append(outputs)
    if cache and any(step.cache for step in job_type.prepare):
        folders.append(cache)
    return folders


def check_free_space(folders: Iterable[Path], *, free: Callable[[Path], int] = free_in) -> None:
    """Return if there is room on the disks of all *folders*. Copies kept in one without go first, the oldest first.

    Raises:
        NoSpace: there is not, and nothing is kept there any more.
    """
    for folder in folders:
        for old in kept_in(folder):
            if free(folder) >= LEAST:
                break
            remove(old)
        if (left := free(folder)) < LEAST:
            raise NoSpace(folder, left)
