"""Runs one command under the leash: bounded in time and output, and nothing of it is left afterwards."""

import asyncio
import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar

from domain.limits import Limits
from domain.summary import EndedBy
from tasks.job_users import JobUser
from tasks.limits import NO_LIMITS, in_leash_words
from tasks.output import Output

LEASH = Path(__file__).with_name("leash.py")
GRACE = timedelta(seconds=5)
"""How long a process may take to end itself after SIGTERM, before SIGKILL."""
PATIENCE = timedelta(seconds=30)
"""How long after SIGKILL we wait for the kernel: a process in an uninterruptible wait (a dead network disk) is left to
the leash, which stays until it is gone."""
DRAIN = timedelta(seconds=5)
"""How long the rest of the output may take once all is over: nothing of the job, but a stranger may hold the pipe."""
CHUNK = 8192
TURN = timedelta(milliseconds=5)
"""How long lines are handed on, the last of them to its end, until it is the others' turn on the event loop."""

OnLine: TypeAlias = Callable[[str], Awaitable[None] | None]
T = TypeVar("T")


class CannotStart(Exception):
    """The command did not even start. The message says why, what to do, and no path of this machine."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended.

    exit_code  None unless it exited by itself
    signal     the number of the signal that killed it; None unless `ended_by` is SIGNAL, and where nobody knows it
    tail       the last lines of its output, at most 50 of at most 2,000 characters; not made public
    """

    ended_by: EndedBy
    exit_code: int | None
    signal: int | None
    tail: tuple[str, ...]
    elapsed: timedelta


def child_environment(allowed: Iterable[str], environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """What a job sees of *environ*: PATH, the language, and the *allowed* names that exist. Nothing else.

    HOME and TMPDIR are *home*, a folder of the job's own. This Python's folder leads PATH, so that `python -m sphinx`
    is the installed one also where its environment is not activated.
    """
    seen = {name: value for name, value in environ.items() if name.startswith("LC_") or name in {"LANG", *allowed}}
    path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH") or os.defpath])
    return {"LANG": "C.UTF-8", **seen, "PATH": path, "HOME": str(home), "TMPDIR": str(home)}


async def run_command(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: timedelta,  # noqa: ASYNC109 - a rule for the command, not for how long the caller waits
    on_line: OnLine,
    limits: Limits = NO_LIMITS,
    grace: timedelta = GRACE,
    user: JobUser | None = None,
) -> Finished:
    """Run *argv*, without a shell, until it ends or its time is over. *on_line* gets its output, line by line.

    As *user*, if there is one, with none of our rights; else as ourselves.

    Whichever way this ends, also by cancellation or an exception of *on_line*: the command and all its descendants have
    ended by then. They end with this process as well, even if it is killed. The bounds of the output are in `Output`.

    Raises:
        CannotStart: no such command, or it cannot be executed.
    """
    started = time.monotonic()
    leash = _Leash(argv, cwd=cwd, env=env, limits=limits, grace=grace, user=user)
    output = Output()
    reading = asyncio.create_task(_forward(leash.output, output, on_line))
    last_word = asyncio.create_task(leash.last_word())
    try:
        # If reading is the first, then because on_line failed: the leash itself holds the pipe until all is over.
        in_time, _ = await asyncio.wait(
            {last_word, reading}, timeout=timeout.total_seconds(), return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        await in_any_case(_end(leash, last_word, reading, grace))
    if not reading.cancelled():
        reading.result()
    ended = _ending(last_word.result(), argv[0]) if in_time else (EndedBy.TIME_LIMIT, None, None)
    elapsed = timedelta(seconds=time.monotonic() - started)
    return Finished(*ended, tail=output.tail, elapsed=elapsed)


class _Leash:
    """A started leash: its process, the line to it, and the job's output."""

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], limits: Limits, grace: timedelta,
        user: JobUser | None,
    ) -> None:  # fmt: skip
        self._line, its_end = socket.socketpair()
        self._line.setblocking(False)
        readable, writable = os.pipe()
        self.output: BinaryIO = os.fdopen(readable, "rb", buffering=0)
        fd = its_end.fileno()
        bounds = [str(fd), str(grace.total_seconds()), in_leash_words(limits), user.in_leash_words if user else ""]
        command = [sys.executable, "-I", "-S", str(LEASH), *bounds, *argv]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - no shell; the operator's jobs.toml names the command
                command,
                cwd=cwd,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=writable,
                stderr=writable,
                pass_fds=(fd,) if user is None or user.lock is None else (fd, user.lock),
                start_new_session=True,
            )
        except OSError as error:
            self.close()
            raise CannotStart(f"cannot start {argv[0]!r}: {error.strerror}") from None
        finally:
            its_end.close()
            os.close(writable)

    async def last_word(self) -> str:
        """What the leash says of the command's end, once the leash is gone; empty if it was killed."""
        loop = asyncio.get_running_loop()
        said = b""
        with suppress(ConnectionError):
            while heard := await loop.sock_recv(self._line, 100):
                said += heard
        return said.decode()

    def let_go(self) -> None:
        """Have everything ended."""
        with suppress(OSError):  # the leash is gone, and so is everything
            self._line.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._line.close()
        self.output.close()

    def collect(self) -> None:
        """Collect the leash's exit: no waiting, once its end of the line is closed."""
        self._process.wait()


async def _forward(pipe: BinaryIO, output: Output, on_line: OnLine) -> None:
    reader = asyncio.StreamReader(limit=CHUNK)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        while chunk := await reader.read(CHUNK):
            await _hand_on(output.take(chunk), on_line)
            await asyncio.sleep(0)  # no flood of output holds up the beat or the time limit
        await _hand_on(output.close(), on_line)
    finally:
        transport.close()


async def _hand_on(lines: Iterable[str], on_line: OnLine) -> None:
    ends = time.monotonic() + TURN.total_seconds()
    for line in lines:
        handled = on_line(line)
        if handled is not None:
            await handled
        if time.monotonic() > ends:
            await asyncio.sleep(0)
            ends = time.monotonic() + TURN.total_seconds()


async def _end(leash: _Leash, last_word: asyncio.Task[str], reading: asyncio.Task[None], grace: timedelta) -> None:
    leash.let_go()
    await asyncio.wait({last_word}, timeout=(grace + PATIENCE).total_seconds())
    if last_word.done():
        leash.collect()
    await asyncio.wait({reading}, timeout=DRAIN.total_seconds())
    for task in (last_word, reading):
        task.cancel()
    await asyncio.wait({last_word, reading})
    leash.close()


async def in_any_case(ending: Coroutine[None, None, T]) -> T:
    """Finish *ending* even if cancelled meanwhile, however often, and pass the cancellation on afterwards."""
    task = asyncio.create_task(ending)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()


def _ending(last_word: str, command: str) -> tuple[EndedBy, int | None, int | None]:
    match last_word.split():
        case ["exit", code]:
            return EndedBy.EXITED, int(code), None
        case ["signal", number]:
            return EndedBy.SIGNAL, None, int(number)
        case ["too", "many", "processes"]:
            return EndedBy.PROCESS_LIMIT, None, None
        case ["cannot", "start", number]:
            raise CannotStart(_why_not(command, int(number)))
        case _:
            return EndedBy.SIGNAL, None, None


def _why_not(command: str, number: int) -> str:
    if number == errno.ENOENT:
        return f"cannot start {command!r}: not found; install it where the worker runs, or correct the job's command"
    if number in (errno.EACCES, errno.ENOEXEC):
        return f"cannot start {command!r}: not a program; make it executable and give it a first line such as #!/bin/sh"
    return f"cannot start {command!r}: {os.strerror(number)}"
