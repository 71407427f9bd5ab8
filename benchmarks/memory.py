"""How much memory the processes of a stack hold, from /proc. Linux only."""

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

ROLES = {
    "server": ("prefect", "server"),
    "jobs": ("local.serve", "jobs"),
    "reports": ("local.serve", "reports"),
    "stand-in": ("-m", "fake_github"),
}
"""The processes of `make up`, by words of their command lines. The runner of flows is the process that serves them."""


def resident() -> dict[str, float]:
    """MiB that are resident (VmRSS) in each of `ROLES` among our descendants; the server's with its children."""
    children, found = _children(), {}
    for pid in _below(os.getpid(), children):
        words = _words(pid)
        role = next((name for name, (one, other) in ROLES.items() if one in words and other in words), None)
        if role is not None and role not in found and not any(word.endswith("leash.py") for word in words):
            family = [pid, *_below(pid, children)] if role == "server" else [pid]
            found[role] = sum(map(_resident, family)) / 1024
    return found


def _children() -> dict[int, list[int]]:
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # over meanwhile
            # The name in parentheses may contain anything; state and parent follow it.
            children[int(stat.read_bytes().rpartition(b")")[2].split()[1])].append(int(stat.parent.name))
    return children


def _below(pid: int, children: dict[int, list[int]]) -> list[int]:
    """The descendants of *pid*, each after its parent."""
    found = list(children[pid])
    for child in found:
        found += children[child]
    return found


def _words(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:  # over meanwhile
        return []


def _resident(pid: int) -> int:
    """In kB; 0 for a process that is over."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
