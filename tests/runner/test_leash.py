"""The leash by itself, as anybody may start it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import FAMILY, ROOT, is_alive, pids_in
from waiting import block_until

LEASH = ROOT / "tasks" / "leash.py"


def leashed(fd: int, *command: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-I", "-S", str(LEASH), str(fd), "0.2", "", "", *command]
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
