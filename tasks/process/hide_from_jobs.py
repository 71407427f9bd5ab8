"""Prevents a job from reading our environment and token in /proc. Called first by every flow and command."""

import ctypes
import sys

PR_SET_DUMPABLE = 4


def make_non_dumpable() -> None:
    """Close this process's /proc/PID/environ, memory and descriptors to other processes of its user. Linux only.

    Otherwise a child of the same user could read them. Root can in any case. A program that this process starts is
    dumpable again; threads and forks are not. Does nothing on other systems.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")
