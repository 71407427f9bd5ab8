"""Lists the descendants of a process from /proc. Linux only."""

from collections import defaultdict
from contextlib import suppress
from pathlib import Path


def below(pid: int) -> list[int]:
    """The descendants of *pid*, zombies included; each after its parent."""
    children = _children()
    found = list(children[pid])
    for child in found:
        found += children[child]
    return found


def command_line(pid: int) -> list[str]:
    """The command line of *pid*; empty if it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    return []


def _children() -> defaultdict[int, list[int]]:
    children = defaultdict(list)
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # over meanwhile
            # The name in parentheses may contain anything; state and parent follow it.
            children[int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])].append(int(process.name))
    return children
