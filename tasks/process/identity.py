"""Processes as a ledger remembers them: by machine, number and start, so that a number used again deceives nobody."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from domain.process.identity import Process

ANYBODY = Path("/proc/1/stat")

STARTED = 19
"""Where `starttime` stands after the name in /proc/PID/stat: field 22 of proc(5)."""


def this_process() -> Process:
    """Who we are."""
    started = _started(os.getpid())
    assert started is not None
    return Process(this_machine(), os.getpid(), started)


def this_machine() -> str:
    """This boot of this machine; within it the namespace that numbers of processes belong to, as containers have."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def is_gone(process: Process) -> bool | None:
    """Whether *process* has ended. None: that cannot be seen from here.

    It belongs to another machine, boot or namespace; or /proc hides what is not ours, as `hidepid` and systemd's
    `ProtectProc` have it: a process that is not dumpable is not.
    """
    if process.host != this_machine() or not shows_anybody():
        return None
    return _started(process.pid) != process.started


def shows_anybody() -> bool:
    """Whether /proc shows us more than what is ours."""
    try:
        ANYBODY.stat()
    except OSError:  # hidepid=1 refuses what hidepid=2 denies
        return False
    return True


def kill(process: Process) -> None:
    """SIGKILL to *process*, if it lives on this machine, is ours to kill, and nobody else has its number now."""
    if is_gone(process) is not False:
        return
    with suppress(OSError):  # it has ended meanwhile, is not ours, or its number is a thread's now
        handle = os.pidfd_open(process.pid)
        try:
            if is_gone(process) is False:  # asked after it was opened: nobody else can be behind the handle
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _started(pid: int) -> int | None:
    """When process *pid* started, in clock ticks after boot. None: there is none, or only its remains."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] in {"Z", "X"} else int(after_name[STARTED])
