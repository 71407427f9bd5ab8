"""Starts processes that do not outlive their test, and lists a job's processes that are still alive."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def process_of(*command: str, **how: Any) -> AsyncIterator[Process]:  # noqa: ANN401  # what asyncio takes
    """A process of *command*, which is killed at the end unless it has ended. *how*: see `create_subprocess_exec`."""
    started = await asyncio.create_subprocess_exec(*command, **how)
    try:
        yield started
    finally:
        with suppress(ProcessLookupError):
            started.kill()
        await started.wait()


def is_alive(pid: int) -> bool:
    """Whether a process with this pid runs; a zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def pids_in(folder: Path) -> list[int]:
    """The pids that processes noted as file names in a folder, as `FAMILY` does."""
    return [int(path.name) for path in folder.iterdir() if path.name.isdigit()]


def names_in(folder: Path) -> list[str]:
    """The names in *folder*, sorted."""
    return sorted(path.name for path in folder.iterdir())


FAMILY = """
import os, signal, sys, time
folder, stubborn = sys.argv[1], "stubborn" in sys.argv
if stubborn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
def stay():
    open(os.path.join(folder, str(os.getpid())), "w").close()
    while True:
        time.sleep(60)
if os.fork() == 0:
    stay()                       # a child
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        stay()                   # forked twice, in a session of its own
    os._exit(0)
os.wait()
if "leave" in sys.argv:
    while len(os.listdir(folder)) < 2:
        time.sleep(0.01)
    sys.exit(7)
stay()
"""
"""A job of three processes that note themselves in a folder and stay. Arguments: the folder; "stubborn": they ignore
SIGTERM; "leave": the first exits with 7 once the two others are there."""


def started(pid: int) -> int:
    """When process *pid* started, in clock ticks after boot."""
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
