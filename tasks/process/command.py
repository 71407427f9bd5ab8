"""Runs one command under the supervisor, with bounds on time and output; none of its processes is left afterwards."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, TypeAlias

from domain.process.ended_by import EndedBy
from domain.process.limits import NO_LIMITS, Limits, as_argument
from domain.redact import public
from tasks.process.causes import ended_by_sigkill, oom_kills, why_not_started
from tasks.process.output_lines import Output, ignore_redraw
from tasks.process.uncancellable import run_uncancellable, sigterm_held_back
from tasks.process.users import JobUser

SUPERVISOR = Path(__file__).with_name("supervisor.py")
GRACE = timedelta(seconds=5)
"""How long a process may take to end after SIGTERM, before SIGKILL."""
KILL_TIMEOUT = timedelta(seconds=30)
"""How long we wait after SIGKILL: a process in an uninterruptible wait (a dead network disk) is left to the supervisor,
which stays until it has ended."""
DRAIN = timedelta(seconds=5)
"""How long no line of the rest may come once the job has ended: an unrelated process may hold the pipe."""
DRAINS = 12
"""How often that is waited for while lines do come, so a minute at most."""
CHUNK = 8192
YIELD_EVERY = timedelta(milliseconds=5)
"""How long lines are passed on before control returns to the event loop."""

TIMED_OUT = (EndedBy.TIME_LIMIT, None, None)

OnLine: TypeAlias = Callable[[str], Awaitable[None] | None]


class CannotStart(Exception):
    """The command could not be started. The message says why and what to do, and holds no path of this machine."""


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended.

    exit_code  None unless it exited by itself
    signal     the number of the signal that killed it; None unless `ended_by` is SIGNAL, and where it is not known
    tail       the last lines of its output, at most 50, see `Output`; not made public
    elapsed    how long it ran until its end or its time limit, without ending its other processes
    """

    ended_by: EndedBy
    exit_code: int | None
    signal: int | None
    tail: tuple[str, ...]
    elapsed: timedelta


def child_environment(allowed: Iterable[str], environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """The part of *environ* that a job gets: PATH, and the *allowed* names that exist. Nothing else.

    The language is the same on any worker unless it is allowed, so that what tools print can be read. HOME and TMPDIR
    are *home*, a folder of the job's own. This Python's folder leads PATH, so that `python -m sphinx` is the installed
    one also where its environment is not activated.
    """
    seen = {name: environ[name] for name in allowed if name in environ}
    path = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH") or os.defpath])
    return {"LANG": "C.UTF-8", **seen, "PATH": path, "HOME": str(home), "TMPDIR": str(home)}


async def run_command(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: timedelta,  # noqa: ASYNC109 - limits the command, not how long the caller waits
    on_line: OnLine,
    limits: Limits = NO_LIMITS,
    grace: timedelta = GRACE,
    user: JobUser | None = None,
    shown: Callable[[str], str] = public,
    on_redraw: Callable[[str], None] = ignore_redraw,
) -> Finished:
    """Run *argv*, without a shell, until it ends or reaches its time limit. *on_line* gets its output, line by line.

    It runs as *user*, if given, with none of our rights; else as our user. *shown* and *on_redraw*: see `Output`.

    However this returns, also by cancellation or an exception of *on_line*, the command and all its descendants have
    ended. They end with this process as well, even if it is killed. The bounds of the output are in `Output`.

    Raises:
        CannotStart: no such command, or it cannot be executed.
    """
    started, kills = time.monotonic(), oom_kills()
    output = Output(shown, on_redraw)
    supervisor: _Supervisor | None = None
    try:
        with sigterm_held_back():  # a SIGTERM in the middle would leave a supervisor that nothing ends
            supervisor = _Supervisor(argv, cwd=cwd, env=env, limits=limits, grace=grace, user=user)
            supervisor.forward(output, on_line)
        # If reading ends first, on_line has failed: the supervisor holds the pipe until all processes have ended.
        in_time, _ = await asyncio.wait(
            {supervisor.ended, supervisor.reading}, timeout=timeout.total_seconds(), return_when=asyncio.FIRST_COMPLETED
        )
        elapsed = timedelta(seconds=time.monotonic() - started)
    finally:
        if supervisor is not None:
            await run_uncancellable(supervisor.end)
    if not supervisor.reading.cancelled():
        supervisor.reading.result()
    # The supervisor saw which came first, the end of the command or ours: its result counts, even at the time limit.
    ended = _ending(supervisor.result, argv[0], cwd, env) if in_time or supervisor.result else TIMED_OUT
    if oom_kills() > kills and ended_by_sigkill(*ended, output.tail):
        ended = (EndedBy.OUT_OF_MEMORY, *ended[1:])
    return Finished(*ended, tail=output.tail, elapsed=elapsed)


class _Supervisor:
    """A running supervisor: its process, the socket to it, and the job's output.

    `ended` is done as soon as the supervisor has said how the command ended, `gone` once the supervisor and all
    of the job have ended. Neither is a task: `asyncio.run` cancels all tasks at a signal, and these must go on.
    """

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], limits: Limits, grace: timedelta,
        user: JobUser | None,
    ) -> None:  # fmt: skip
        self._grace = grace
        self._line, its_end = socket.socketpair()
        self._line.setblocking(False)
        readable, writable = os.pipe()
        self._output: BinaryIO = os.fdopen(readable, "rb", buffering=0)
        fd = its_end.fileno()
        bounds = [str(fd), str(grace.total_seconds()), as_argument(limits), user.as_argument if user else ""]
        command = [sys.executable, "-I", "-S", str(SUPERVISOR), *bounds, *argv]
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
            self._close()
            raise CannotStart(f"cannot start {argv[0]!r}: {error.strerror}") from None
        finally:
            its_end.close()
            os.close(writable)
        self._received = b""
        self._passed_on = 0
        self._loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[None] = self._loop.create_future()
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._line, self._listen)

    def _listen(self) -> None:
        try:
            received = self._line.recv(100)
        except ConnectionError:
            received = b""
        self._received += received
        if not self.ended.done() and (b"\n" in self._received or not received):
            self.ended.set_result(None)
        if not received:
            self._loop.remove_reader(self._line)
            self.gone.set_result(None)

    @property
    def result(self) -> str:
        """How the command ended; empty if we ended it, or if the supervisor was killed, which may leave processes."""
        is_killed = (self._process.returncode or 0) < 0
        return "" if is_killed else self._received.decode().strip()

    def forward(self, output: Output, on_line: OnLine) -> None:
        """Pass the job's output on, in the task `reading`."""
        self.reading = asyncio.create_task(self._forward(output, on_line))

    async def end(self) -> None:
        """End all processes of the job. May be called again."""
        with suppress(OSError):  # the supervisor has ended, and so has the job
            self._line.shutdown(socket.SHUT_WR)
        await asyncio.wait({self.gone}, timeout=(self._grace + KILL_TIMEOUT).total_seconds())
        if self.gone.done():
            self._process.wait()  # returns at once: its end of the socket is closed
        await self._drain()
        self.reading.cancel()
        await asyncio.wait({self.reading})
        self._close()

    async def _drain(self) -> None:
        """Wait for the rest of the output, which a busy machine may handle slowly."""
        for _ in range(DRAINS):
            before = self._passed_on
            await asyncio.wait({self.reading}, timeout=DRAIN.total_seconds())
            if self.reading.done() or self._passed_on == before:
                return

    async def _forward(self, output: Output, on_line: OnLine) -> None:
        reader = asyncio.StreamReader(limit=CHUNK)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), self._output
        )
        try:
            while chunk := await reader.read(CHUNK):
                await self._pass_on(output.take(chunk), on_line)
                await asyncio.sleep(0)  # a flood of output must not hold up heartbeat or time limit
            await self._pass_on(output.close(), on_line)
        finally:
            transport.close()

    async def _pass_on(self, lines: Iterable[str], on_line: OnLine) -> None:
        ends = time.monotonic() + YIELD_EVERY.total_seconds()
        for line in lines:
            self._passed_on += 1
            if (handled := on_line(line)) is not None:
                await handled
            if time.monotonic() > ends:
                await asyncio.sleep(0)
                ends = time.monotonic() + YIELD_EVERY.total_seconds()

    def _close(self) -> None:
        self._line.close()
        self._output.close()


def _ending(result: str, command: str, cwd: Path, env: Mapping[str, str]) -> tuple[EndedBy, int | None, int | None]:
    match result.split():
        case ["exit", code]:
            return EndedBy.EXITED, int(code), None
        case ["signal", number]:
            return EndedBy.SIGNAL, None, int(number)
        case ["too", "many", "processes"]:
            return EndedBy.PROCESS_LIMIT, None, None
        case ["cannot", "start", number]:
            raise CannotStart(why_not_started(command, int(number), cwd, env))
        case _:
            return EndedBy.SIGNAL, None, None
