"""Checks free disk space before and while a job's files are made; removes kept working copies where it lacks."""

import asyncio
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from tasks.process.background import Stop, never, run_in_background
from tasks.process.temp_dirs import kept_in, remove
from tasks.process.uncancellable import run_uncancellable

FULL = (errno.ENOSPC, errno.EDQUOT)
MIB = 1024**2
LEAST = 1024 * MIB
"""Bytes that must be free: jobs fill disks, and a ledger on a full disk cannot record an outcome."""
RESERVE = LEAST // 4
"""Bytes that stay free while git or a copy writes: for the ledger and other processes."""
POLL_EVERY = timedelta(seconds=0.5)

T = TypeVar("T")


class NoSpace(Exception):
    """There is too little disk space for a job. The message may be public; `to_do` is for the operator."""

    def __init__(self, why: str, to_do: str) -> None:
        super().__init__(f"no space: {why}")
        self.to_do = to_do


@contextmanager
def full_is_no_space() -> Iterator[None]:
    """Turn errors of a full disk or quota, of bytes or files, in the block into NoSpace."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise NoSpace(os.strerror(error.errno).lower(), f"{error}: make room there, and retry the job") from error


def free_in(folder: Path) -> int:
    """Bytes that can still be written to the disk of *folder*, which need not exist yet."""
    return shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists())).free


def temporary_folder() -> Path:
    """The folder for working copies. Raises NoSpace: Python finds no folder that takes four bytes."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise NoSpace(
            "nothing can be written to any folder for temporary files", f"{error}: make room in one"
        ) from error


def check_free_space(folders: Iterable[Path], stop: Stop = never, *, free: Callable[[Path], int] = free_in) -> None:
    """Check the free space on the disks of all *folders*. Removes kept copies where it lacks, the oldest first.

    Raises:
        NoSpace: there is too little, and no kept copy is left.
    """
    for folder in folders:
        for old in kept_in(folder):
            if free(folder) >= LEAST:
                break
            remove(old, stop)
        if (left := free(folder)) < LEAST:
            raise NoSpace(
                "less than 1 GiB is free",
                f"{left // MIB:,} MiB are free on the disk of {folder}, and a job needs {LEAST // MIB:,}: "
                "make room there, and retry it",
            )


async def with_room(work: Coroutine[Any, Any, T], folder: Path) -> T:
    """Run *work*, which writes to the disk of *folder*, and stop it as soon as that is nearly full.

    Raises:
        NoSpace: the disk is nearly full.
    """
    working, filling = asyncio.create_task(work), asyncio.create_task(_filling(folder))
    try:
        await asyncio.wait({working, filling}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise filling.result()
    finally:
        await run_uncancellable(lambda: _stop(working, filling))


async def _filling(folder: Path) -> NoSpace:
    """Return once the disk is nearly full."""
    while True:
        with suppress(TimeoutError):  # it does not answer now, and may not be full
            if (left := await run_in_background(lambda _: free_in(folder), longest=POLL_EVERY)) < RESERVE:
                break
        await asyncio.sleep(POLL_EVERY.total_seconds())
    return NoSpace(
        f"less than {RESERVE // MIB:,} MiB is left on the disk",
        f"the disk of {folder} became too full while a job's files were written: {left // MIB:,} MiB are free "
        f"there, and {RESERVE // MIB:,} have to stay: make room there, and retry it",
    )


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
