"""Identifies processes by machine, pid and start time, safe against pid reuse; checks whether one has ended."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from domain.process.identity import Process
from tasks.process.kernel import stat_fields

INIT_STAT = Path("/proc/1/stat")

STARTED = 19
"""Where `starttime` stands after the name in /proc/PID/stat: field 22 of proc(5)."""


def this_process() -> Process:
    """The identity of this process."""
    started = _started(os.getpid())
    assert started is not None
    return Process(this_machine(), os.getpid(), started)


def this_machine() -> str:
    """This boot of this machine, with the pid namespace of this process (containers have their own)."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def is_gone(process: Process) -> bool | None:
    """Whether *process* has ended. None: not visible from here.

    It belongs to another machine, boot or namespace; or /proc hides what does not count as ours, by `hidepid` or
    systemd's `ProtectProc`: a process that is not dumpable does not.
    """
    if process.host != this_machine() or not shows_other_processes():
        return None
    return _started(process.pid) != process.started


def shows_other_processes() -> bool:
    """Whether /proc shows the processes of other users."""
    try:
        INIT_STAT.stat()
    except OSError:  # hidepid=1 refuses what hidepid=2 denies
        return False
    return True


def kill(process: Process) -> None:
    """Send SIGKILL to *process*, if it lives on this machine and we may; safe against pid reuse."""
    if is_gone(process) is not False:
        return
    with suppress(OSError):  # it has ended meanwhile, is not ours, or its pid is a thread's now
        handle = os.pidfd_open(process.pid)
        try:
            if is_gone(process) is False:  # checked after opening: the handle cannot be another process's
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)


def _started(pid: int) -> int | None:
    """When process *pid* started, in clock ticks after boot. None: there is none, or only a zombie."""
    fields = stat_fields(pid)
    return None if not fields or fields[0] in {"Z", "X"} else int(fields[STARTED])
