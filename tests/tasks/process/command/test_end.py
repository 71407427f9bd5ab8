"""Ends a command by its time limit, a cancel or a signal: no process of it is left."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cancelling import STOPS, skip, stop
from commands import LONG, SHORT, python, run
from processes import FAMILY, ROOT, is_alive, pids_in
from waiting import Condition, block_until, until

from domain.process.ended_by import EndedBy
from tasks.process.command import DRAIN, Finished


async def past_its_limit(running: Coroutine[None, None, Finished], *, once: Condition) -> Finished:
    """The result of *running*, whose time limit passes once *once* holds."""
    job = asyncio.create_task(running)
    await until(once)
    skip(LONG.total_seconds() + 1)
    return await job


async def test_the_time_limit_ends_the_whole_family(tmp_path: Path) -> None:
    done = await past_its_limit(python(FAMILY, str(tmp_path)), once=lambda: len(pids_in(tmp_path)) == 3)
    assert (done.ended_by, done.exit_code) == (EndedBy.TIME_LIMIT, None)
    assert len(pids_in(tmp_path)) == 3
    assert not any(map(is_alive, pids_in(tmp_path)))


async def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    began = time.monotonic()
    running = python(FAMILY, str(tmp_path), "stubborn")
    done = await past_its_limit(running, once=lambda: len(pids_in(tmp_path)) == 3)
    assert timedelta(seconds=time.monotonic() - began) >= done.elapsed + SHORT
    assert len(pids_in(tmp_path)) == 3
    assert not any(map(is_alive, pids_in(tmp_path)))


async def test_sigterm_gives_the_job_time_to_clean_up() -> None:
    lines: list[str] = []
    script = "trap 'echo clean; exit' TERM; sleep 60 & echo ready; wait"
    await past_its_limit(run("sh", "-c", script, on_line=lines.append, grace=LONG), once=lambda: bool(lines))
    assert lines == ["ready", "clean"]


async def test_leftover_processes_of_a_finished_command_are_ended_and_its_exit_code_stays(tmp_path: Path) -> None:
    done = await python(FAMILY, str(tmp_path), "leave")  # the others still hold its output
    assert (done.ended_by, done.exit_code) == (EndedBy.EXITED, 7)
    assert len(pids_in(tmp_path)) == 2
    assert not any(map(is_alive, pids_in(tmp_path)))


STAY = "trap '' TERM; touch {0}/stays; until [ -e {0}/go ]; do sleep 0.02; done"
"""Ignores SIGTERM, and stays until it may go."""


@pytest.mark.parametrize(
    ("end", "ended"),
    [
        ("exit 0", (EndedBy.EXITED, 0, None)),
        ("exit 7", (EndedBy.EXITED, 7, None)),
        ("kill -9 $$", (EndedBy.SIGNAL, None, signal.SIGKILL)),
    ],
)
@pytest.mark.parametrize("left", [1, 3])
async def test_a_command_that_ends_in_time_is_not_timed_out_by_its_leftover_processes(
    end: str, ended: tuple[EndedBy, int | None, int | None], left: int, tmp_path: Path
) -> None:
    leave = f"({STAY.format(tmp_path)}) & " * left
    script = f"{leave} until [ -e {tmp_path}/stays ]; do sleep 0.02; done; echo $$; {end}"
    lines: list[str] = []
    running = asyncio.create_task(run("sh", "-c", script, on_line=lines.append, grace=LONG))
    await until(lambda: bool(lines) and not Path("/proc", lines[0]).exists())
    skip(LONG.total_seconds() + 1)  # less than what the end of what it left behind may take
    await asyncio.sleep(0)
    (tmp_path / "go").touch()
    done = await running
    assert (done.ended_by, done.exit_code, done.signal) == ended


async def test_a_command_that_ended_before_its_end_was_reported_is_not_timed_out() -> None:
    """The loop is busy with a line of output until the time limit is over, too."""

    def busy(pid: str) -> None:
        block_until(lambda: not Path("/proc", pid).exists())
        skip(2 * LONG.total_seconds())

    done = await run("sh", "-c", "echo $$; exit 3", on_line=busy)
    assert (done.ended_by, done.exit_code) == (EndedBy.EXITED, 3)


async def test_a_command_that_was_over_when_its_time_was_is_not_timed_out(tmp_path: Path) -> None:
    """The supervisor has not seen its end yet when the flow has everything ended."""
    lines: list[str] = []
    script = f"echo $$ $PPID; until [ -e {tmp_path}/go ]; do sleep 0.02; done; exit 3"
    running = asyncio.create_task(run("sh", "-c", script, on_line=lines.append))
    await until(lambda: bool(lines))
    command, supervisor = map(int, lines[0].split())
    os.kill(supervisor, signal.SIGSTOP)
    try:
        (tmp_path / "go").touch()
        await until(lambda: not is_alive(command))
        skip(LONG.total_seconds() + 1)
        await asyncio.sleep(0.05)
    finally:
        os.kill(supervisor, signal.SIGCONT)
    done = await running
    assert (done.ended_by, done.exit_code) == (EndedBy.EXITED, 3)


@STOPS
async def test_a_stopped_job_is_over_before_its_flow_is(tmp_path: Path, how: str) -> None:
    others = asyncio.all_tasks()
    running = asyncio.create_task(python(FAMILY, str(tmp_path), "stubborn"))
    await until(lambda: len(pids_in(tmp_path)) == 3)
    for _ in range(3):  # also while it waits for the end
        stop(running, how, others)
        await asyncio.sleep(SHORT.total_seconds() / 10)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not any(map(is_alive, pids_in(tmp_path)))


async def test_a_signal_that_comes_while_the_job_is_started_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminated(BaseException):
        """What the handler raises."""

    def terminate(*_: object) -> None:
        raise Terminated

    def start(*args: Any, **kwargs: Any) -> "subprocess.Popen[bytes]":  # noqa: ANN401  # as Popen has them
        process = popen(*args, **kwargs)
        block_until(lambda: len(pids_in(tmp_path)) == 3)
        os.kill(os.getpid(), signal.SIGTERM)
        return process

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        with pytest.raises(Terminated):
            await python(FAMILY, str(tmp_path), "stubborn")
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not any(map(is_alive, pids_in(tmp_path)))


async def test_a_supervisor_killed_after_its_command_ended_gives_no_exit_code(tmp_path: Path) -> None:
    script = f"({STAY.format(tmp_path)}) & until [ -e {tmp_path}/stays ]; do sleep 0.02; done; echo $$ $PPID; exit 0"
    lines: list[str] = []
    running = asyncio.create_task(run("sh", "-c", script, on_line=lines.append, grace=LONG))
    await until(lambda: bool(lines) and not Path("/proc", lines[0].split()[0]).exists())
    os.kill(int(lines[0].split()[1]), signal.SIGKILL)
    (tmp_path / "go").touch()
    done = await running
    assert (done.ended_by, done.exit_code, done.signal) == (EndedBy.SIGNAL, None, None)


async def test_a_listener_that_fails_ends_the_job_and_its_error_is_raised(tmp_path: Path) -> None:
    def fail(line: str) -> None:
        raise ZeroDivisionError(line)

    with pytest.raises(ZeroDivisionError, match="hello"):
        await python("print('hello', flush=True)" + FAMILY, str(tmp_path), on_line=fail)
    assert not any(map(is_alive, pids_in(tmp_path)))


async def test_a_killed_supervisor_is_an_unknown_signal() -> None:
    done = await run("sh", "-c", "kill -9 $PPID")
    assert (done.ended_by, done.exit_code, done.signal) == (EndedBy.SIGNAL, None, None)


PARENT = """
import asyncio, os, sys
from datetime import timedelta
from pathlib import Path
from tasks.process.command import run_command
bounds = {"timeout": timedelta(minutes=1), "grace": timedelta(seconds=0.2)}
env = {"PATH": os.environ["PATH"]}
asyncio.run(run_command(sys.argv[1:], cwd=Path.cwd(), env=env, on_line=print, **bounds))
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_no_process_of_a_job_outlives_its_flow(end: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, sys.executable, "-c", FAMILY, str(tmp_path), "stubborn"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL
    ) as flow:
        block_until(lambda: len(pids_in(tmp_path)) == 3)
        flow.send_signal(end)
    block_until(lambda: not any(map(is_alive, pids_in(tmp_path))))


async def test_the_rest_of_the_output_is_passed_on_however_slowly_once_the_command_has_ended() -> None:
    lines: list[str] = []

    async def slowly(line: str) -> None:
        lines.append(line)
        if len(lines) == 1:  # the limits before the rest of the output are not to pass
            await until(lambda: not any(is_alive(int(pid)) for pid in line.split()))
        await until_the_loop_has_run()
        skip(DRAIN.total_seconds() - 1)  # the limit passes several times, but never without a line
        await until_the_loop_has_run()

    await run("sh", "-c", "echo $$ $PPID; seq 8", on_line=slowly)
    assert lines[1:] == [str(number) for number in range(1, 9)]


async def until_the_loop_has_run() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
