"""Assigns one job user to one job, by a lock that its flow and supervisor hold, and removes what the user left.

That is what it owns outside the job's folders: in world-writable folders and System V IPC.
"""

import asyncio
import logging
import os
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path

from domain.process.ended_by import EndedBy
from tasks.process.background import Stop, run_in_background
from tasks.process.command import CannotStart, run_command
from tasks.process.temp_dirs import REMOVAL, REMOVAL_OF_CANCELLED, has_locked, remove
from tasks.process.uncancellable import run_uncancellable
from tasks.process.users import JobUser

logger = logging.getLogger("reportback.process")

LOCKS = Path("/run/reportback/job-users")
"""Shared by all flows of the machine: ids mean the same for all of them, whatever user they run as."""

WAITS = "waits-"
"""Prefix of the files that are places in the queue, in `LOCKS`; the rest is the time since the machine started."""
_numbers = count()

POLL_EVERY = timedelta(seconds=1)
"""How often a job checks for a free user."""

KILL = ("/bin/sh", "-c", "kill -s KILL -- -1")
"""Kills all processes of the user that runs it, but itself, in one call: no fork is quick enough to escape."""
KILLED_WITHIN = timedelta(seconds=5)
"""A process that still exists so long after SIGKILL waits in the kernel; the next user is tried instead."""
KILL_AGAIN_EVERY = timedelta(milliseconds=20)

OPEN = tuple(map(Path, ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock")))  # noqa: S108  # not used: cleared
"""Where every user may create files, beside our own temporary folder; POSIX semaphores are in /dev/shm."""
SYSV = Path("/proc/sysvipc")
"""https://man7.org/linux/man-pages/man5/proc_sysvipc.5.html"""
REMOVE_SYSV = ("ipcrm", "--all")
"""Removes all that the user who runs it owns or has made, whoever still uses it."""
SYSV_WITHIN = timedelta(seconds=10)


class StillRuns(Exception):
    """A process of a job cannot be ended: its files must not be touched. The message may be public."""


@asynccontextmanager
async def acquire_user(users: Sequence[JobUser]) -> AsyncIterator[JobUser]:
    """Hold one of *users* for this job alone on this machine, without a process of it; waits in order for one.

    What a job of that user left in world-writable folders or System V IPC is removed before and after. It logs if some
    cannot be removed, and once if all users are in use.

    Raises OSError: `LOCKS` cannot be written to.
    """
    user, lock = await _wait_for_user(users)
    longest = REMOVAL
    try:
        if not await clear(user, longest=REMOVAL):
            logger.warning(
                "what an earlier job left in folders that are open to all could not be removed, as user %d", user.uid
            )
        yield user
    except asyncio.CancelledError:
        longest = REMOVAL_OF_CANCELLED
        raise
    finally:
        try:
            await clear(user, longest=longest)
        finally:
            os.close(lock)


async def _wait_for_user(users: Sequence[JobUser]) -> tuple[JobUser, int]:
    is_announced = False
    with _queued(users) as is_first:
        while True:
            for user in users if is_first() else ():
                if (lock := _try_lock(user)) is not None and await _is_free(user, lock):
                    return replace(user, lock=lock), lock
            if not is_announced:
                logger.warning("waiting for a job user: all %d that REPORTBACK_JOB_USER names are in use", len(users))
                is_announced = True
            await asyncio.sleep(POLL_EVERY.total_seconds())


@contextmanager
def _queued(users: Sequence[JobUser]) -> Iterator[Callable[[], bool]]:
    """Stand in the machine's queue; yields whether no earlier job waits for one of the same *users*.

    The place is a file whose lock its process holds: that of a process that died is passed over and removed.
    """
    LOCKS.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = LOCKS / f"{WAITS}{time.monotonic_ns():020}-{os.getpid()}-{next(_numbers)}"
    opened = os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    wanted = {str(user.uid) for user in users}
    try:
        has_locked(opened)
        os.write(opened, " ".join(wanted).encode())
        yield lambda: not any(_waits(one, wanted) for one in LOCKS.glob(f"{WAITS}*") if one.name < place.name)
    finally:
        place.unlink(missing_ok=True)
        os.close(opened)


def _waits(place: Path, wanted: AbstractSet[str]) -> bool:
    """Whether the job that has this place in the queue lives, and waits for one of the *wanted* users."""
    try:
        opened = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # it has its user
        return False
    try:
        if has_locked(opened):
            place.unlink(missing_ok=True)
            return False
        theirs = os.read(opened, 100_000).decode().split()
        return not theirs or not wanted.isdisjoint(theirs)
    finally:
        os.close(opened)


async def _is_free(user: JobUser, lock: int) -> bool:
    """Whether no process of *user* runs any more; else *lock* is released."""
    try:
        await run_uncancellable(lambda: end_all(user))
    except BaseException as error:
        os.close(lock)
        if isinstance(error, StillRuns):
            return False
        raise
    return True


def _try_lock(user: JobUser) -> int | None:
    """A descriptor that holds the lock, which no job inherits; None: another process holds it."""
    LOCKS.mkdir(mode=0o700, parents=True, exist_ok=True)
    opened = os.open(LOCKS / str(user.uid), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if has_locked(opened):
        return opened
    os.close(opened)
    return None


async def end_all(user: JobUser) -> None:
    """Kill all processes of *user*, which this job holds exclusively. Raises StillRuns.

    They are killed without listing them: processes that fork and end all the time escape any list.
    """
    deadline = time.monotonic() + KILLED_WITHIN.total_seconds()
    while not await _has_killed_all_of(user) or await asyncio.to_thread(_runs, user.uid):
        if time.monotonic() >= deadline:
            raise StillRuns(f"a process of the job could not be ended, as user {user.uid}")
        await asyncio.sleep(KILL_AGAIN_EVERY.total_seconds())


async def _has_killed_all_of(user: JobUser) -> bool:
    try:
        done = await run_command(
            KILL, cwd=Path("/"), env={}, timeout=KILLED_WITHIN, on_line=lambda _: None, grace=timedelta(0), user=user
        )
    except CannotStart:  # the process limit is reached: others may end meanwhile
        return False
    return done.ended_by is EndedBy.EXITED


def _runs(uid: int) -> bool:
    # A pattern with "/status" would look at each file first, which fails for a process that ends just then.
    return any(_is_of(process / "status", str(uid).encode()) for process in Path("/proc").glob("[0-9]*"))


def _is_of(status: Path, uid: bytes) -> bool:
    """Whether it is a process of the user that runs: not a zombie, unless other threads of it still run."""
    with suppress(OSError):  # ended meanwhile
        fields = dict(line.split(b":", 1) for line in status.read_bytes().splitlines() if b":" in line)
        is_over = fields[b"State"].split()[0] in (b"Z", b"X") and int(fields[b"Threads"]) <= 1
        return uid in fields[b"Uid"].split() and not is_over
    return False


async def clear(user: JobUser, *, longest: timedelta) -> bool:
    """Remove all that *user*, who has no running process, owns in open folders and System V IPC. False: some is left.

    A folder is removed with all its content, whoever owns it.
    """
    with suppress(TimeoutError):  # a disk that does not answer
        await run_in_background(partial(_remove_files, user.uid), longest=longest)
    with suppress(CannotStart):
        await _remove_sysv(user)
    return not (_owns_sysv(user.uid) or any(_files_of(user.uid)))


def _remove_files(uid: int, stop: Stop) -> None:
    for path in _files_of(uid):
        if stop():
            return
        with suppress(OSError):
            if stat.S_ISDIR(path.lstat().st_mode):
                remove(path, stop)
            else:
                path.unlink()


def _files_of(uid: int) -> Iterator[Path]:
    """Entries of open folders that belong to *uid*. Only of sticky folders: elsewhere others could replace them."""
    for folder in {place.resolve() for place in (*OPEN, Path(tempfile.gettempdir()))}:
        with suppress(OSError):  # there is none
            if not folder.stat().st_mode & stat.S_ISVTX:
                continue
            with os.scandir(folder) as found:
                yield from (Path(one.path) for one in found if _belongs_to(one, uid))


def _belongs_to(entry: "os.DirEntry[str]", uid: int) -> bool:
    with suppress(OSError):  # gone meanwhile
        return entry.stat(follow_symlinks=False).st_uid == uid
    return False


async def _remove_sysv(user: JobUser) -> None:
    """Remove them as that user: others' would need a capability that no worker should have."""
    if _owns_sysv(user.uid):
        await run_command(REMOVE_SYSV, cwd=Path("/"), env={}, timeout=SYSV_WITHIN, on_line=lambda _: None, user=user)


def _owns_sysv(uid: int) -> bool:
    return any(uid in owners for kind in ("shm", "sem", "msg") for owners in sysv_owners(kind))


def sysv_owners(kind: str) -> list[tuple[int, int]]:
    """The owner and maker of each "shm", "sem" or "msg" of this container; empty with a kernel without these."""
    with suppress(FileNotFoundError):
        names, *rows = (line.split() for line in (SYSV / kind).read_text(encoding="ascii").splitlines())
        return [(int(row[names.index("uid")]), int(row[names.index("cuid")])) for row in rows]
    return []
