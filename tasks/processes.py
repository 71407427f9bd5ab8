"""Processes as a ledger remembers them: by machine, number and start, so that a number used again deceives nobody."""

import os
from pathlib import Path

from storage.jobs import Process

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
    """Whether *process* has ended. None: it belongs to another machine, or to another boot of this one."""
    if process.host != this_machine():
        return None
    return _started(process.pid) != process.started


def _started(pid: int) -> int | None:
    """When process *pid* started, in clock ticks after boot. None: there is none, or only its remains."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] in {"Z", "X"} else int(after_name[STARTED])
