"""A user that one job has for itself, by a lock that goes with the flow; nothing of the job before it lives on."""

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from domain.text import Say
from tasks.job_users import JobUser

LOCKS = Path("/run/reportback/job-users")
"""One place for all flows of the machine: ids mean the same for all of them, whoever they run as."""

LOOK_EVERY = timedelta(seconds=1)
"""How often a job looks for a user that has become free."""

KILLED_WITHIN = timedelta(seconds=2)
"""A process that is still there after it was killed for so long waits in the kernel; the next user is tried instead."""
LOOK_AGAIN = timedelta(milliseconds=20)


@asynccontextmanager
async def taken(users: Sequence[JobUser], say: Say) -> AsyncIterator[JobUser]:
    """One of *users* that nobody else on this machine has meanwhile, and of whom no process runs.

    *say* is told once if all are taken; then this waits for one. Raises OSError: `LOCKS` cannot be written to.
    """
    user, lock = await _found(users, say)
    try:
        yield user
    finally:
        os.close(lock)


async def _found(users: Sequence[JobUser], say: Say) -> tuple[JobUser, int]:
    has_said = False
    while True:
        for user in users:
            if (lock := _locked(user)) is None:
                continue
            is_free = False
            try:
                is_free = await asyncio.to_thread(end_all, user)
            finally:
                if not is_free:
                    os.close(lock)
            if is_free:
                return user, lock
        if not has_said:
            say(f"waiting for a job user: all {len(users)} that REPORTBACK_JOB_USER names are taken")
            has_said = True
        await asyncio.sleep(LOOK_EVERY.total_seconds())


def _locked(user: JobUser) -> int | None:
    """A descriptor that holds the lock, which no child inherits; None: somebody else does."""
    LOCKS.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = os.open(LOCKS / str(user.uid), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        return None
    return opened


def end_all(user: JobUser) -> bool:
    """Kill whatever runs as *user*. False: something stays."""
    deadline = time.monotonic() + KILLED_WITHIN.total_seconds()
    while running := list(_processes_of(user.uid)):
        if time.monotonic() >= deadline:
            return False
        for pid in running:
            with suppress(ProcessLookupError):  # over meanwhile
                os.kill(pid, signal.SIGKILL)
        time.sleep(LOOK_AGAIN.total_seconds())
    return True


def _processes_of(uid: int) -> Iterator[int]:
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):  # over meanwhile
            told = dict(line.split(b":", 1) for line in status.read_bytes().splitlines() if b":" in line)
            if str(uid).encode() in told[b"Uid"].split() and told[b"State"].split()[0] not in (b"Z", b"X"):
                yield int(status.parent.name)
