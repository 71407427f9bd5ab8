"""Keeps a job from reading our environment, token and all, in /proc. Every flow and every command begins with it."""

import ctypes
import sys

PR_SET_DUMPABLE = 4


def make_non_dumpable() -> None:
    """Close this process's /proc/PID/environ, memory and descriptors to other processes of its user. Linux only.

    A child of the same user could read them otherwise. Root reads everything all the same. A program that this process
    starts is dumpable again; threads and forks are not. Does nothing on other systems.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_DUMPABLE)")
