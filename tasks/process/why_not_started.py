"""Says why a command could not be started, and what to do."""

import errno
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path

FIRST_LINE = 256
"""Bytes of a program's first line that the kernel reads."""


def why_not_started(command: str, number: int, cwd: Path, env: Mapping[str, str]) -> str:
    """Why executing *command* in *cwd* failed with the error *number*; without a path of this host."""
    if number == errno.ENOENT:
        return f"cannot start {command!r}: {_what_is_missing(command, cwd, env)}"
    if number in (errno.EACCES, errno.ENOEXEC):
        return f"cannot start {command!r}: not a program; make it executable and give it a first line such as #!/bin/sh"
    return f"cannot start {command!r}: {os.strerror(number)}"


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
