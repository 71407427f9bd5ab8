"""The supervisor, started by itself."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import FAMILY, ROOT, is_alive, pids_in
from waiting import LONGEST, block_until

SUPERVISOR = ROOT / "tasks" / "process" / "supervisor.py"


@contextmanager
def supervised(*command: str, grace: str = "0.2") -> Iterator[tuple["subprocess.Popen[bytes]", socket.socket]]:
    """A supervisor, and the flow's end of the line to it, which is closed at the end, and ends the supervisor."""
    ours, its = socket.socketpair()
    with its:
        argv = [sys.executable, "-I", "-S", str(SUPERVISOR), str(its.fileno()), grace, "", "", *command]
        process = subprocess.Popen(argv, pass_fds=(its.fileno(),), stdin=subprocess.DEVNULL)
    with process as supervisor, ours:
        yield supervisor, ours


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -15 $$", 143)])
def test_it_ends_as_its_command_did(script: str, code: int) -> None:
    with supervised("sh", "-c", script) as (supervisor, _):
        assert supervisor.wait(LONGEST) == code


@pytest.mark.parametrize("name", ["supervisor.py", "file_worker.py"])
@pytest.mark.parametrize("is_relative", [False, True])
def test_a_program_takes_the_code_beside_it_whatever_the_current_folder_holds(
    tmp_path: Path, name: str, *, is_relative: bool
) -> None:
    code, other = tmp_path / "code", tmp_path / "other"
    shutil.copytree(
        ROOT / "tasks" / "process", code / "tasks" / "process", ignore=shutil.ignore_patterns("__pycache__")
    )
    (other / "tasks" / "process").mkdir(parents=True)
    (other / "tasks" / "process" / "kernel.py").write_text("raise SystemExit('the code of another folder')\n")
    program = code / "tasks" / "process" / name
    asks = "import runpy, sys; runpy.run_path(sys.argv[1]); print(sys.modules['tasks.process.kernel'].__file__)"
    path = os.path.relpath(program, other) if is_relative else str(program)
    argv = [sys.executable, "-I", "-S", "-c", asks, path]
    done = subprocess.run(argv, cwd=other, env={"PYTHONPATH": str(other)}, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (str(program.with_name("kernel.py")), "")


def test_it_loads_nothing_that_takes_long_to_import() -> None:
    argv = [sys.executable, "-X", "importtime", "-I", "-S", str(SUPERVISOR), "0", "0", "", "", "true"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"tasks.process.supervision", "ctypes"} <= loaded
    assert not {"asyncio", "collections", "contextlib", "enum", "pathlib", "re", "signal", "subprocess"} & loaded


@pytest.mark.parametrize("how", ["closed", "written", "SIGTERM", "SIGHUP"])
def test_it_ends_everything_when_released_or_signalled(how: str, tmp_path: Path) -> None:
    with supervised(sys.executable, "-c", FAMILY, str(tmp_path), "stubborn") as (supervisor, line):
        block_until(lambda: len(pids_in(tmp_path)) == 3)
        if how == "closed":
            line.close()
        elif how == "written":
            line.send(b"x")
        else:
            supervisor.send_signal(signal.Signals[how])
        assert supervisor.wait(LONGEST) == 128 + signal.SIGKILL
    assert not any(map(is_alive, pids_in(tmp_path)))


def test_its_command_does_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    with supervised("sh", "-c", f"echo > {tmp_path}/$$; exec sleep 60") as (supervisor, _):
        block_until(lambda: len(pids_in(tmp_path)) == 1)
        supervisor.kill()
    block_until(lambda: not any(map(is_alive, pids_in(tmp_path))))


def test_it_collects_orphans_while_the_command_runs(tmp_path: Path) -> None:
    script = f"for n in 1 2 3; do (sh -c 'echo $$ > {tmp_path}/orphan; exit' &); done; echo > {tmp_path}/made; sleep 60"
    with supervised("sh", "-c", script) as (supervisor, _):
        block_until((tmp_path / "made").exists)
        children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children")
        block_until(lambda: len(children.read_text().split()) == 1)  # zombies would count


def test_it_reports_the_commands_end_before_the_rest_has_ended(tmp_path: Path) -> None:
    with supervised(sys.executable, "-c", FAMILY, str(tmp_path), "stubborn", "leave", grace="10") as (_, flow):
        assert flow.recv(100) == b"exit 7\n"
        left = pids_in(tmp_path)
        assert [is_alive(pid) for pid in left] == [True, True]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert flow.recv(100) == b""


@pytest.mark.parametrize(("told", "line"), [("let go", b"\n"), ("SIGTERM", b"signal 15\n"), ("SIGHUP", b"signal 1\n")])
def test_a_command_that_was_stopped_has_not_ended_by_itself(told: str, line: bytes, tmp_path: Path) -> None:
    script = f"trap 'exit 0' TERM; touch {tmp_path}/ready; while :; do sleep 0.02; done"
    with supervised("sh", "-c", script) as (supervisor, flow):
        block_until((tmp_path / "ready").exists)
        if told == "let go":
            flow.shutdown(socket.SHUT_WR)
        else:
            supervisor.send_signal(signal.Signals[told])
        assert flow.recv(100) == line


@pytest.mark.parametrize(("script", "line"), [("exit 7", b"exit 7\n"), ("kill -9 $$", b"signal 9\n")])
def test_a_command_that_was_over_at_the_release_has_ended_by_itself(script: str, line: bytes, tmp_path: Path) -> None:
    script = f"touch {tmp_path}/$$; until [ -e {tmp_path}/go ]; do sleep 0.02; done; {script}"
    with supervised("sh", "-c", script) as (supervisor, flow):
        block_until(lambda: len(pids_in(tmp_path)) == 1)
        [child] = pids_in(tmp_path)
        supervisor.send_signal(signal.SIGSTOP)
        try:
            (tmp_path / "go").touch()
            block_until(lambda: not is_alive(child))
            flow.shutdown(socket.SHUT_WR)
        finally:
            supervisor.send_signal(signal.SIGCONT)
        assert flow.recv(100) == line
