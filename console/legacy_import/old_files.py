"""Reads the job files of the previous system, and never changes them."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from domain.legacy_import.old_jobs import OldJob, Unreadable, jobs_in

MOST = 32 * 1024**2
"""Bytes of the largest file that is read: the old system kept all its jobs in one, with their output."""


@dataclass(frozen=True, slots=True)
class Found:
    """The content of a folder, by file names. `unreadable`: the files without jobs, and why."""

    jobs: list[OldJob] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    with_token: list[str] = field(default_factory=list)


def found_in(folder: Path) -> Found:
    """The jobs in the `*.json` files of *folder*, without subfolders; opens plain files only.

    Raises:
        OSError: the folder cannot be listed.
    """
    found = Found()
    for path in _json_files(folder):
        try:
            contents = jobs_in(_text(path), path.name)
        except Unreadable as error:
            found.unreadable[path.name] = str(error)
            has_token = error.has_token
        else:
            found.jobs.extend(contents.jobs)
            has_token = contents.has_token
        if has_token:
            found.with_token.append(path.name)
    return found


def _json_files(folder: Path) -> Iterable[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".json")


def _text(path: Path) -> str:
    if path.is_symlink():
        raise Unreadable("a symbolic link: not followed", has_token=False)
    try:
        # If it has just become a link or a pipe, it is neither followed nor waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123  # a descriptor
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable("no plain file", has_token=False)
            data = file.read(MOST + 1)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}", has_token=False) from None
    if len(data) > MOST:
        raise Unreadable(f"larger than {MOST // 1024**2} MiB: not read; it may hold a token", has_token=False)
    return data.decode("utf-8-sig", "replace")
