"""Starts processes as an operator does, and checks that none of them is left."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from processes import is_alive

from tasks.process import kernel

ROOT = Path(__file__).parents[2]
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
FLOW = ("prefect.engine", "prefect.runner._workspace_supervisor")
"""Command lines of a flow's process, at last and at first."""

LIBC = ctypes.CDLL(None)


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants, so that no process that is left escapes `offspring`."""
    assert LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def offspring(of: int) -> list[int]:
    """The live descendants of *of*, each after its parent."""
    return [pid for pid in kernel.descendants(of) if is_alive(pid)]


def command_line(pid: int) -> str:
    """The command line of *pid*."""
    return " ".join(kernel.command_line(pid)) or "over"


@dataclass(frozen=True, slots=True)
class Worker:
    """A `prefect worker start` of its own, in a session of its own."""

    process: "subprocess.Popen[bytes]"
    log: Path
    log_began: int

    async def polls(self) -> bool:
        """Whether it polls for work."""
        return b"started!" in self.log.read_bytes()[self.log_began :]

    @property
    def flows(self) -> list[int]:
        """The processes in which it runs flows."""
        return [pid for pid in offspring(self.process.pid) if any(word in command_line(pid) for word in FLOW)]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, as `kill` does; 0 only asks whether it is alive."""
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        """Send SIGKILL to it and to the flows it runs, and to nothing else."""
        flows = self.flows
        self.signal(signal.SIGKILL)
        self.process.wait()
        for pid in flows:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop(self, *, within: float) -> None:
        """Send SIGTERM, on which Prefect ends its flows too; SIGKILL to all if that takes longer than *within*."""
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()


def start_worker(log: Path, env: Mapping[str, str], pool: str, *options: str) -> Worker:
    """Start a worker of *pool*. It ends when this thread does."""
    began = log.stat().st_size if log.exists() else 0
    return Worker(start_prefect(log, env, "worker", "start", "--pool", pool, *options), log, began)


def start_prefect(log: Path, env: Mapping[str, str], *words: str) -> "subprocess.Popen[bytes]":
    """Start `prefect …` with its output in *log*. It ends when this thread does."""
    return start_python(log, env, "-m", "prefect", *words)


def start_python(log: Path, env: Mapping[str, str], *words: str) -> "subprocess.Popen[bytes]":
    """Start `python …` with its output in *log*. It ends when this thread does."""
    with log.open("ab") as output:
        return subprocess.Popen(
            (sys.executable, *words),
            cwd="/",
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_as_from_a_terminal,  # noqa: PLW1509  # it takes no lock, and nothing else undoes an ignored SIGINT
        )


def _as_from_a_terminal() -> None:
    # A shell starts what runs in its background with SIGINT ignored, and a worker makes SIGINT of a SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
