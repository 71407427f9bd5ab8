"""Removes a user's System V shared memory, semaphores and message queues, which no process needs to hold.

    python -I -S sysv.py UID GID

It switches to that user, the owner; otherwise it would need a capability that no worker should have. It holds nothing
that the user must not see. The standard library only.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

TABLES = Path("/proc/sysvipc")
"""Of this container: https://man7.org/linux/man-pages/man5/proc_sysvipc.5.html"""
IPC_RMID = 0


def objects_of(uid: int) -> Iterator[tuple[str, int]]:
    """The kind, "shm", "sem" or "msg", and number of each that *uid* owns or has made."""
    for kind in ("shm", "sem", "msg"):
        names, *rows = (line.split() for line in (TABLES / kind).read_text(encoding="ascii").splitlines())
        for row in rows:
            fields = dict(zip(names, row, strict=True))
            if str(uid) in (fields["uid"], fields["cuid"]):
                yield kind, int(fields["semid" if kind == "sem" else "msqid" if kind == "msg" else "shmid"])


def remove(uid: int, gid: int) -> None:
    """Switch to the user, and remove all that it owns; what it gave away stays."""
    libc, found = ctypes.CDLL(None), list(objects_of(uid))  # before: the user may read none of Python's own files
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    for kind, number in found:
        if kind == "sem":
            libc.semctl(number, 0, IPC_RMID)
        else:
            (libc.shmctl if kind == "shm" else libc.msgctl)(number, IPC_RMID, None)


if __name__ == "__main__":
    remove(int(sys.argv[1]), int(sys.argv[2]))
