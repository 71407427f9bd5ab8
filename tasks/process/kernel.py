"""Asks the kernel for what Python lacks: control of this process, its capabilities, the tree of processes. Linux.

The standard library only, and little of it: the programs that start with `python -I -S` use it.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
CAPABILITIES_V3 = 0x20080522


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process: https://man7.org/linux/man-pages/man2/prctl.2.html."""
    _check(_libc().prctl(option, value, 0, 0, 0), f"prctl({option})")


def make_non_dumpable() -> None:
    """Close this process's /proc/PID/environ, memory and descriptors to other processes of its user. Linux only.

    Otherwise a child of the same user could read our environment and token: every flow and command calls this first.
    Root can in any case. A program that this process starts is dumpable again; threads and forks are not. Does nothing
    on other systems.
    """
    if sys.platform == "linux":
        prctl(PR_SET_DUMPABLE, 0)


def drop_capabilities() -> None:
    """Drop all capabilities, also those that a started program would inherit (inheritable, ambient)."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_V3, 0)
    _check(_libc().capset(header, (ctypes.c_uint32 * 6)()), "capset")


def flush_disk_of(folder: str | os.PathLike[str]) -> None:
    """Flush all that was written to the disk of *folder*."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _check(_libc().syncfs(opened))
    finally:
        os.close(opened)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str | None = None) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), what or os.strerror(ctypes.get_errno()))


def processes() -> list[int]:
    """The numbers of the machine's processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def descendants(pid: int) -> list[int]:
    """The descendants of *pid*, zombies included; each after its parent."""
    children: dict[int, list[int]] = {}
    for number in processes():
        if fields := stat_fields(number):
            children.setdefault(int(fields[1]), []).append(number)
    found = list(children.get(pid, ()))
    for one in found:
        found += children.get(one, ())
    return found


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty if *pid* has ended, or is hidden.

    The name in parentheses before them may contain anything, also parentheses.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].decode().split()
    except OSError:
        return []


def command_line(pid: int) -> list[str]:
    """The command line of *pid*; empty if it has ended."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as opened:
            return opened.read().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []
