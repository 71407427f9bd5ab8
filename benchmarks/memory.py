"""Measures the memory of a stack's processes from /proc. Linux only."""

import os
from contextlib import suppress
from pathlib import Path

from tasks.process.kernel import command_line, descendants

ROLES = {
    "server": ("prefect", "server"),
    "jobs": ("local.serve", "jobs"),
    "reports": ("local.serve", "reports"),
    "stand-in": ("-m", "fake_github"),
}
"""The processes of `make up`, by parts of their command lines. The process that serves flows also runs them."""


def resident() -> dict[str, float]:
    """Resident MiB (VmRSS) of each of `ROLES` among our descendants; the server with its children."""
    found = {}
    for pid in descendants(os.getpid()):
        words = command_line(pid)
        role = next((name for name, (one, other) in ROLES.items() if one in words and other in words), None)
        if role is not None and role not in found and not any(word.endswith("supervisor.py") for word in words):
            family = [pid, *descendants(pid)] if role == "server" else [pid]
            found[role] = sum(map(_resident, family)) / 1024
    return found


def _resident(pid: int) -> int:
    """Resident kB; 0 for a process that has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
