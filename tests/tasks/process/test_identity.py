"""Whether a process recorded in the ledger is still alive."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from processes import started
from waiting import LONGEST

from tasks.process import identity
from tasks.process.identity import is_gone, kill, this_machine, this_process


def test_a_machine_is_known_by_its_boot_and_its_processes_by_their_namespace() -> None:
    boot, namespace = this_machine().split()
    assert str(UUID(boot)) == boot
    assert namespace.startswith("pid:[")
    assert len(this_machine()) <= 64  # what a ledger keeps of it


def test_this_process_lives_and_an_earlier_one_with_its_pid_does_not() -> None:
    me = this_process()
    assert me == this_process()
    assert is_gone(me) is False
    assert is_gone(replace(me, started=me.started - 1)) is True


def test_a_process_that_ended_is_gone_before_its_parent_has_noticed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        there = replace(this_process(), pid=child.pid, started=started(child.pid))
        assert is_gone(there) is False
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it stays a zombie
        assert is_gone(there) is True
    finally:
        child.kill()
        child.communicate()
    assert is_gone(there) is True


@pytest.mark.parametrize("host", ["", "another", "6dc8d0f4-8f33-4a1c-9b3e-000000000000 pid:[4026531836]"])
def test_nothing_is_known_of_a_process_elsewhere(host: str) -> None:
    assert is_gone(replace(this_process(), host=host)) is None


def test_no_process_is_identified_where_processes_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "INIT_STAT", Path("/proc/0/stat"))
    assert is_gone(replace(this_process(), started=1)) is None


def test_no_process_is_identified_where_not_even_names_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `hidepid=1` has it."""

    def refuse(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    assert is_gone(replace(this_process(), started=1)) is None


def test_a_process_that_reuses_the_pid_is_not_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        kill(replace(this_process(), pid=child.pid, started=started(child.pid) - 1))
        assert child.poll() is None
        kill(replace(this_process(), pid=child.pid, started=started(child.pid)))
        assert child.wait(LONGEST) == -9
    kill(replace(this_process(), pid=child.pid))  # over: nothing happens


def test_a_thread_that_reuses_the_pid_is_no_process() -> None:
    """The kernel opens none for it, and says so in a way of its own."""
    ends = threading.Event()
    thread = threading.Thread(target=ends.wait)
    thread.start()
    try:
        number = thread.native_id or 0
        kill(replace(this_process(), pid=number, started=1))
        kill(replace(this_process(), pid=number, started=started(number)))
        kill(replace(this_process(), host="another", pid=number))
    finally:
        ends.set()
        thread.join()
