"""Resolves REPORTBACK_JOB_USER, and checks that this process can run jobs as those users."""

import os
import pwd
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from domain.process.job_user import Ids, Named
from tasks.process.identity import shows_other_processes

NEEDED = {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7}
"""Capabilities by number: to give files to the job, read, change and remove them, end its processes, switch to it.
https://man7.org/linux/man-pages/man7/capabilities.7.html"""

STATUS = Path("/proc/self/status")
OVERFLOW = Path("/proc/sys/kernel/overflowuid")
"""The id that stands for all ids unknown in this container; `nobody` in most systems."""
HARD_LINKS = Path("/proc/sys/fs/protected_hardlinks")
"""1: hard links only to files that one may write to. https://docs.kernel.org/admin-guide/sysctl/fs.html"""
UID_MAP = Path("/proc/self/uid_map")
"""Which ids there are here; in a container often 65,536. https://man7.org/linux/man-pages/man7/user_namespaces.7.html"""


class NoJobUser(ValueError):
    """No job can run as REPORTBACK_JOB_USER here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class JobUser:
    """The user of a job. `lock`: a descriptor that each of its supervisors keeps, for exclusive use of the user."""

    uid: int
    gid: int
    lock: int | None = field(default=None, compare=False)

    @property
    def as_argument(self) -> str:
        """The supervisor's argument USER."""
        return f"{self.uid}:{self.gid}"


def job_users(named: Named | None) -> tuple[JobUser, ...]:
    """The users that jobs run as; empty if none is named: jobs run as our own user then.

    Raises:
        NoJobUser: there is no such user, it is ours or root, or this process may not switch users.
    """
    if named is None:
        return ()
    users = tuple(_by_id(named) if isinstance(named, Ids) else [_by_name(named)])
    here, overflow = _ids_here(), int(OVERFLOW.read_text(encoding="ascii"))
    for user in users:
        if problem := _problem(user, here, overflow):
            raise NoJobUser(f"REPORTBACK_JOB_USER {problem}")
    _check_machine()
    return users


def _problem(user: JobUser, here: Sequence[range], overflow: int) -> str:
    """Why no job may run as *user*; empty: it may. *here*: the ids that exist; *overflow*: the id for all others."""
    if user.uid == 0:
        return "is root, which can read everything: name another user"
    if user.uid == os.getuid():
        return f"has {user.uid}, which is the user of this flow: name another one"
    if user.uid == overflow:
        return f"has {user.uid}, the id of all unknown users, whose processes would be killed: name another one"
    if user.gid in {0, os.getgid(), *os.getgroups()}:
        return f"has {user.uid}, whose group {user.gid} is root's or this flow's: give that user one of its own"
    if not any(user.uid in ids for ids in here):
        return f"has {user.uid}, an id that this container does not have: name lower ones"
    return ""


def _check_machine() -> None:
    """Raise NoJobUser if this machine cannot switch users, or cannot protect our files from them."""
    ours = _capabilities()
    if missing := [f"CAP_{name}" for name, number in NEEDED.items() if not ours >> number & 1]:
        raise NoJobUser(
            f"REPORTBACK_JOB_USER is set, but this process may not run jobs as another user: it lacks "
            f"{', '.join(missing)}. Run the worker as root or with AmbientCapabilities=, as docs/deploy.md shows, or "
            "unset REPORTBACK_JOB_USER if every job is trusted"
        )
    if not shows_other_processes():
        raise NoJobUser(
            "REPORTBACK_JOB_USER is set, but /proc hides the processes of jobs from this one (hidepid=, ProtectProc=), "
            "so that it could not end them: mount it without that, or run the worker as root"
        )
    if HARD_LINKS.read_text(encoding="ascii").strip() != "1":
        raise NoJobUser(
            "REPORTBACK_JOB_USER is set, but a job could make hard links to our files in its folder: "
            "set sysctl fs.protected_hardlinks=1"
        )
    if shutil.which("ipcrm", path=os.defpath) is None:
        raise NoJobUser(
            "REPORTBACK_JOB_USER is set, but there is no ipcrm here to remove what jobs leave in System V IPC: "
            "install util-linux"
        )


def _by_id(ids: Ids) -> Iterator[JobUser]:
    for uid in range(ids.first, ids.last + 1):
        try:
            yield JobUser(uid, pwd.getpwuid(uid).pw_gid)
        except KeyError:  # it has no name, and a group of its own
            yield JobUser(uid, uid)


def _by_name(name: str) -> JobUser:
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise NoJobUser(
            f"REPORTBACK_JOB_USER: there is no user {name!r} here: make it (useradd --system --no-create-home {name}), "
            "or name ids such as 70000-70063, which need no entry"
        ) from None
    return JobUser(found.pw_uid, found.pw_gid)


def _ids_here() -> list[range]:
    lines = (line.split() for line in UID_MAP.read_text(encoding="ascii").splitlines())
    return [range(int(first), int(first) + int(count)) for first, _, count in lines]


def _capabilities() -> int:
    lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))
