"""Finds why a command could not be started, and whether lack of memory has ended it, or a process below it."""

import errno
import importlib.util
import os
import re
import shutil
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

from domain.process.ended_by import EndedBy

FIRST_LINE = 256
"""Bytes of a program's first line that the kernel reads."""

VMSTAT = Path("/proc/vmstat")
SHELL = 128
"""To which a shell adds the signal that ended its child."""
KILLED = re.compile(r"\bKilled\b")


def why_not_started(command: str, number: int, cwd: Path, env: Mapping[str, str]) -> str:
    """Why executing *command* in *cwd* failed with the error *number*; without a path of this host."""
    if number == errno.ENOENT:
        return f"cannot start {command!r}: {_what_is_missing(command, cwd, env)}"
    if number in (errno.EACCES, errno.ENOEXEC):
        return f"cannot start {command!r}: not a program; make it executable and give it a first line such as #!/bin/sh"
    return f"cannot start {command!r}: {os.strerror(number)}"


def missing_module(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> str | None:
    """Why `python -m MODULE …` cannot run, where its Python is ours; None: it can, or that is not known beforehand."""
    match argv:
        case ["python" | "python3" as python, "-m", module, *_] if "PYTHONPATH" not in env:
            name = module.partition(".")[0]
        case _:
            return None
    is_ours = Path(shutil.which(python, path=env.get("PATH")) or "").parent == Path(sys.executable).parent
    is_there = importlib.util.find_spec(name) or (cwd / name).exists() or (cwd / f"{name}.py").exists()
    if not is_ours or is_there:
        return None
    return f"cannot start '{python} -m {module}': {name} is not installed where the worker runs; install it there"


def _what_is_missing(command: str, cwd: Path, env: Mapping[str, str]) -> str:
    line = _first_line(command, cwd, env)
    if not line.startswith(b"#!"):
        return "not found; install it where the worker runs, or correct the job's command"
    if line.endswith(b"\r"):
        return "its first line ends in CRLF; give it the line ends of Unix (in .gitattributes: text eol=lf)"
    words = line[2:].decode("utf-8", "replace").split()
    interpreter = Path(words[0]).name if words else ""
    return f"its first line names {interpreter!r}, which is not there; install it where the worker runs, or correct it"


def _first_line(command: str, cwd: Path, env: Mapping[str, str]) -> bytes:
    """The first line of the program that *command* names; empty if there is none."""
    found = str(cwd / command) if "/" in command else shutil.which(command, path=env.get("PATH"))
    if found is None:
        return b""
    try:
        with open(os.open(found, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123  # no FIFO holds it up
            return file.read(FIRST_LINE).split(b"\n")[0] if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except OSError:
        return b""


def oom_kills() -> int:
    """How many processes the kernel has killed for memory, of any group; 0 where it does not say."""
    with suppress(OSError, ValueError):
        fields = (line.split() for line in VMSTAT.read_text(encoding="ascii").splitlines())
        return next((int(count) for name, count in fields if name == "oom_kill"), 0)
    return 0


def ended_by_sigkill(ended_by: EndedBy, exit_code: int | None, signal: int | None, tail: Sequence[str]) -> bool:
    """Whether SIGKILL ended the command, or a process below it, as a shell or make says of its children."""
    if ended_by is EndedBy.SIGNAL:
        return signal == SIGKILL
    is_failure = ended_by is EndedBy.EXITED and exit_code != 0
    return is_failure and (exit_code == SHELL + SIGKILL or any(map(KILLED.search, tail)))
