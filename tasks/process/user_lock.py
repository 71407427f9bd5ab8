"""A user that one job has for itself, by a lock of its flow and supervisor; nothing of the job before it is left."""

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from domain.process.ended_by import EndedBy
from domain.text import LogLine
from tasks.process.command import CannotStart, run_command
from tasks.process.leftovers import clear
from tasks.process.temp_dirs import REMOVAL, REMOVAL_OF_CANCELLED
from tasks.process.uncancellable import run_uncancellable
from tasks.process.users import JobUser

LOCKS = Path("/run/reportback/job-users")
"""One place for all flows of the machine: ids mean the same for all of them, whoever they run as."""

LOOK_EVERY = timedelta(seconds=1)
"""How often a job looks for a user that has become free."""

KILL = ("/bin/sh", "-c", "kill -s KILL -- -1")
"""To all that who runs it may end, which is all of that user but itself: no fork is quick enough to be missed."""
KILLED_WITHIN = timedelta(seconds=5)
"""A process that is still there after it was killed for so long waits in the kernel; the next user is tried instead."""
LOOK_AGAIN = timedelta(milliseconds=20)


class StillRuns(Exception):
    """Something that a job started cannot be ended: its files are not to be touched. May be shown to anybody."""


@asynccontextmanager
async def acquire_user(users: Sequence[JobUser], say: LogLine) -> AsyncIterator[JobUser]:
    """One of *users* that nobody else on this machine has meanwhile, and of whom no process runs.

    What a job of that user has left in folders that are open to all, or in System V IPC, is removed before and after.
    *say* is told if some cannot be, and once if all are taken; then this waits for one.

    Raises OSError: `LOCKS` cannot be written to.
    """
    user, lock = await _found(users, say)
    longest = REMOVAL
    try:
        if not await clear(user, longest=REMOVAL):
            say(f"what an earlier job left in folders that are open to all could not be removed, as user {user.uid}")
        yield user
    except asyncio.CancelledError:
        longest = REMOVAL_OF_CANCELLED
        raise
    finally:
        try:
            await clear(user, longest=longest)
        finally:
            os.close(lock)


async def _found(users: Sequence[JobUser], say: LogLine) -> tuple[JobUser, int]:
    has_said = False
    while True:
        for user in users:
            if (lock := _locked(user)) is not None and await _is_free(user, lock):
                return replace(user, lock=lock), lock
        if not has_said:
            say(f"waiting for a job user: all {len(users)} that REPORTBACK_JOB_USER names are taken")
            has_said = True
        await asyncio.sleep(LOOK_EVERY.total_seconds())


async def _is_free(user: JobUser, lock: int) -> bool:
    """Whether nothing of *user* runs any more; else *lock* is let go."""
    try:
        await run_uncancellable(lambda: end_all(user))
    except BaseException as error:
        os.close(lock)
        if isinstance(error, StillRuns):
            return False
        raise
    return True


def _locked(user: JobUser) -> int | None:
    """A descriptor that holds the lock, which no job inherits; None: somebody else does."""
    LOCKS.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = os.open(LOCKS / str(user.uid), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        return None
    return opened


async def end_all(user: JobUser) -> None:
    """Kill whatever runs as *user*, who is nobody else's meanwhile. Raises StillRuns.

    It is killed unseen: what forks and ends all the time is in no list of processes, however often one looks.
    """
    deadline = time.monotonic() + KILLED_WITHIN.total_seconds()
    while not await _has_killed_all_of(user) or await asyncio.to_thread(_runs, user.uid):
        if time.monotonic() >= deadline:
            raise StillRuns(f"a process of the job could not be ended, as user {user.uid}")
        await asyncio.sleep(LOOK_AGAIN.total_seconds())


async def _has_killed_all_of(user: JobUser) -> bool:
    try:
        done = await run_command(
            KILL, cwd=Path("/"), env={}, timeout=KILLED_WITHIN, on_line=lambda _: None, grace=timedelta(0), user=user
        )
    except CannotStart:  # no room for one more process: what takes it may end by itself meanwhile
        return False
    return done.ended_by is EndedBy.EXITED


def _runs(uid: int) -> bool:
    return any(_is_of(status, str(uid).encode()) for status in Path("/proc").glob("[0-9]*/status"))


def _is_of(status: Path, uid: bytes) -> bool:
    """Whether it is a process of the user, and more than what remains of one until its parent has asked for its end."""
    with suppress(OSError):  # over meanwhile
        told = dict(line.split(b":", 1) for line in status.read_bytes().splitlines() if b":" in line)
        is_over = told[b"State"].split()[0] in (b"Z", b"X") and int(told[b"Threads"]) <= 1  # others outlive the first
        return uid in told[b"Uid"].split() and not is_over
    return False
