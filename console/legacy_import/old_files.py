"""Reads the job files of the previous system, and never changes them."""

import os
import stat
from pathlib import Path

from console.legacy_import.old_jobs import OldJob, jobs_in

MOST = 32 * 1024**2
"""Bytes of the largest file that is read: the old system kept all its jobs in one, with their output."""


class Unreadable(Exception):
    """A file that is not read; the message says why."""


def found_in(folder: Path) -> tuple[list[OldJob], list[str]]:
    """The jobs in the `*.json` files of *folder*, without subfolders; and the names of the files that hold a token.

    Raises:
        OSError: the folder cannot be listed.
    """
    jobs: list[OldJob] = []
    with_token = []
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() == ".json"):
        try:
            found, has_token = jobs_in(_text(path), path.name)
        except Unreadable as error:
            found, has_token = [OldJob(path.name, problem=str(error))], False
        jobs += found
        with_token += [path.name] if has_token else []
    return jobs, with_token


def _text(path: Path) -> str:
    """The text of a plain file; no link is followed, and no pipe waited for."""
    if path.is_symlink():
        raise Unreadable("a symbolic link: not followed")
    try:
        # If it has just become a link or a pipe, it is neither followed nor waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123  # a descriptor
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Unreadable("no plain file")
            data = file.read(MOST + 1)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
    if len(data) > MOST:
        raise Unreadable(f"larger than {MOST // 1024**2} MiB: not read; it may hold a token")
    return data.decode("utf-8-sig", "replace")
