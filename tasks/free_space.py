"""Whether this machine has room for another job. Working copies that are kept to be looked at make way for it."""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.job_type import JobType
from storage.engine import Ledger
from tasks.scratch import kept_in, remove

FULL = (errno.ENOSPC, errno.EDQUOT)
LEAST = 1024**3
"""Bytes that have to be free: jobs fill disks, and a ledger on a full one can record no outcome."""


class NoSpace(Exception):
    """There is too little room for a job. The message may be shown to anybody; `to_do` is for the operator."""

    def __init__(self, why: str, to_do: str) -> None:
        super().__init__(f"no space: {why}")
        self.to_do = to_do


@contextmanager
def full_is_no_space() -> Iterator[None]:
    """Have a disk, or a quota, of bytes or of files, that turns out to be full in the block raise NoSpace."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise NoSpace(os.strerror(error.errno).lower(), f"{error}: make room there, and retry the job") from error


def free_in(folder: Path) -> int:
    """Bytes that we may still write on the disk of *folder*, which may have yet to be made."""
    return shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists())).free


def temporary_folder() -> Path:
    """Where working copies are made. Raises NoSpace: Python finds no folder that takes as much as four bytes."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise NoSpace(
            "nothing can be written to any folder for temporary files", f"{error}: make room in one"
        ) from error


def folders_of_a_job(ledger: Ledger, job_type: JobType, *, outputs: Path | None, cache: Path | None) -> list[Path]:
    """The folders on whose disks a job writes: for working copies, of an embedded ledger, and what its type keeps.

    Raises:
        NoSpace: there is none for working copies.
    """
    folders = [temporary_folder()]
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
            has, needs = (f"{size // 1024**2:,}" for size in (left, LEAST))
            raise NoSpace(
                "less than 1 GiB is free",
                f"{has} MiB are free on the disk of {folder}, and a job needs {needs}: make room there, and retry it",
            )
