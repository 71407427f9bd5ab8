"""The leash by itself, as anybody may start it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from processes import FAMILY, ROOT, is_alive, pids_in
from waiting import block_until

LEASH = ROOT / "tasks" / "leash.py"


def leashed(fd: int, *command: str, grace: str = "0.2") -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-I", "-S", str(LEASH), str(fd), grace, "", "", *command]
    return subprocess.Popen(argv, pass_fds=(fd,), stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -15 $$", 143)])
def test_it_ends_as_its_command_did(script: str, code: int) -> None:
    read, write = os.pipe()
    with leashed(read, "sh", "-c", script) as leash:
        assert leash.wait(timeout=10) == code
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("how", ["closed", "written", "SIGTERM", "SIGHUP"])
def test_it_ends_everything_when_let_go_or_told(how: str, tmp_path: Path) -> None:
    read, write = os.pipe()
    with leashed(read, sys.executable, "-c", FAMILY, str(tmp_path), "stubborn") as leash:
        block_until(lambda: len(pids_in(tmp_path)) == 3)
        if how == "written":
            os.write(write, b"x")
        elif how != "closed":
            leash.send_signal(signal.Signals[how])
        if how == "closed":
            os.close(write)
        assert leash.wait(timeout=10) == 128 + signal.SIGKILL
    assert not any(map(is_alive, pids_in(tmp_path)))
    os.close(read)
    if how != "closed":
        os.close(write)


def test_its_command_does_not_outlive_a_leash_that_is_killed(tmp_path: Path) -> None:
    read, write = os.pipe()
    with leashed(read, "sh", "-c", f"echo > {tmp_path}/$$; exec sleep 60") as leash:
        block_until(lambda: len(pids_in(tmp_path)) == 1)
        leash.kill()
    block_until(lambda: not any(map(is_alive, pids_in(tmp_path))))
    os.close(read)
    os.close(write)


def test_it_collects_orphans_while_the_command_runs(tmp_path: Path) -> None:
    read, write = os.pipe()
    script = f"for n in 1 2 3; do (sh -c 'echo $$ > {tmp_path}/orphan; exit' &); done; echo > {tmp_path}/made; sleep 60"
    with leashed(read, "sh", "-c", script) as leash:
        block_until((tmp_path / "made").exists)
        children = Path(f"/proc/{leash.pid}/task/{leash.pid}/children")
        block_until(lambda: len(children.read_text().split()) == 1)  # zombies would count
        os.close(write)
    os.close(read)


def test_it_tells_how_the_command_ended_before_the_rest_has_ended(tmp_path: Path) -> None:
    ours, its = socket.socketpair()
    with leashed(its.fileno(), sys.executable, "-c", FAMILY, str(tmp_path), "stubborn", "leave", grace="10"), ours:
        its.close()
        assert ours.recv(100) == b"exit 7\n"
        left = pids_in(tmp_path)
        assert [is_alive(pid) for pid in left] == [True, True]
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert ours.recv(100) == b""


@pytest.mark.parametrize(("told", "line"), [("let go", b"\n"), ("SIGTERM", b"signal 15\n"), ("SIGHUP", b"signal 1\n")])
def test_a_command_that_was_stopped_has_not_ended_by_itself(told: str, line: bytes, tmp_path: Path) -> None:
    ours, its = socket.socketpair()
    script = f"trap 'exit 0' TERM; touch {tmp_path}/ready; while :; do sleep 0.02; done"
    with leashed(its.fileno(), "sh", "-c", script) as leash, ours:
        its.close()
        block_until((tmp_path / "ready").exists)
        if told == "let go":
            ours.shutdown(socket.SHUT_WR)
        else:
            leash.send_signal(signal.Signals[told])
        assert ours.recv(100) == line


@pytest.mark.parametrize(("script", "line"), [("exit 7", b"exit 7\n"), ("kill -9 $$", b"signal 9\n")])
def test_a_command_that_was_over_when_the_flow_let_go_has_ended_by_itself(
    script: str, line: bytes, tmp_path: Path
) -> None:
    ours, its = socket.socketpair()
    script = f"touch {tmp_path}/$$; until [ -e {tmp_path}/go ]; do sleep 0.02; done; {script}"
    with leashed(its.fileno(), "sh", "-c", script) as leash, ours:
        its.close()
        block_until(lambda: len(pids_in(tmp_path)) == 1)
        [child] = pids_in(tmp_path)
        leash.send_signal(signal.SIGSTOP)
        (tmp_path / "go").touch()
        block_until(lambda: not is_alive(child))
        ours.shutdown(socket.SHUT_WR)
        leash.send_signal(signal.SIGCONT)
        assert ours.recv(100) == line
