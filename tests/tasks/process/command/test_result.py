"""Runs one command: its exit code, its output, its environment."""

import asyncio
import os
import resource
import signal
import sys
import time
from pathlib import Path

import pytest
from commands import LONG, python, run

from domain.process.ended_by import EndedBy
from domain.redact import REACH
from tasks.process.command import CannotStart, child_environment, run_command
from tasks.process.output_lines import KEPT_BYTES


@pytest.mark.parametrize("code", [0, 1, 2, 127, 137, 255])
async def test_an_exit_code_is_the_commands_own(code: int) -> None:
    done = await run("sh", "-c", f"exit {code}")
    assert (done.ended_by, done.exit_code, done.signal) == (EndedBy.EXITED, code, None)


async def test_a_signal_is_no_exit_code() -> None:
    done = await run("sh", "-c", "kill -9 $$")
    assert (done.ended_by, done.exit_code, done.signal) == (EndedBy.SIGNAL, None, signal.SIGKILL)


async def test_a_script_that_kills_its_group_does_not_hit_the_supervisor() -> None:
    done = await run("sh", "-c", "kill -9 0")
    assert (done.ended_by, done.signal) == (EndedBy.SIGNAL, signal.SIGKILL)


async def test_output_comes_as_lines_errors_too_and_the_rest_without_a_line_break() -> None:
    lines: list[str] = []
    done = await run("sh", "-c", "echo one; echo two >&2; echo; printf 'a\\rb\\nc\\0\\377'", on_line=lines.append)
    assert lines == ["one", "two", "b", "c\ufffd"]
    assert done.tail == tuple(lines)


async def test_an_asynchronous_listener_is_awaited_in_order() -> None:
    lines: list[str] = []

    async def listen(line: str) -> None:
        await asyncio.sleep(0)
        lines.append(line)

    await run("seq", "100", on_line=listen)
    assert lines == [str(number) for number in range(1, 101)]


async def test_a_job_has_no_input_and_no_descriptor_of_the_flow() -> None:
    show = "import os; print(os.readlink('/proc/self/fd/0'), *sorted(os.listdir('/proc/self/fd')))"
    done = await python(show)
    assert done.tail == ("/dev/null 0 1 2 3",)  # 3 is the folder that it lists


async def test_a_command_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(CannotStart, match="'no-such-command': not found; install it"):
        await run("no-such-command", "--help")


async def test_a_file_that_is_no_program_says_so(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("echo hello\n")
    with pytest.raises(CannotStart, match="not a program"):
        await run("./build", cwd=tmp_path)


@pytest.mark.parametrize(
    ("first_line", "told"),
    [
        ("#!/bin/sh\r", "ends in CRLF; give it the line ends of Unix"),
        ("#!/opt/no-such/python3.99 -u", "names 'python3.99', which is not there"),
    ],
)
async def test_a_first_line_that_names_no_program_is_said(tmp_path: Path, first_line: str, told: str) -> None:
    (tmp_path / "build").write_bytes(f"{first_line}\necho hello\n".encode())
    (tmp_path / "build").chmod(0o700)
    with pytest.raises(CannotStart, match=told):
        await run("./build", cwd=tmp_path)


async def test_a_command_of_the_working_copy_is_found_there(tmp_path: Path) -> None:
    (tmp_path / "build").write_text("#!/bin/sh\npwd\n")
    (tmp_path / "build").chmod(0o700)
    assert (await run("./build", cwd=tmp_path)).tail == (str(tmp_path),)


async def test_a_folder_that_is_not_there_is_no_start(tmp_path: Path) -> None:
    with pytest.raises(CannotStart):
        await run("true", cwd=tmp_path / "gone")


async def test_every_line_is_handed_on_and_the_last_are_kept() -> None:
    lines: list[str] = []
    done = await run("seq", "100000", on_line=lines.append)
    assert lines == [str(number) for number in range(1, 100_001)]
    assert done.tail == tuple(lines[-50:])


@pytest.mark.parametrize(("lines", "seconds_a_line"), [(50_000, 20e-6), (100, 0.01)])
async def test_a_flood_of_output_delays_no_other_task(lines: int, seconds_a_line: float) -> None:
    """The heartbeat of a job runs on the same loop."""
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        while True:
            began = time.process_time()
            await asyncio.sleep(0.001)
            longest = max(longest, time.process_time() - began)

    def understand(_: str) -> None:
        until = time.process_time() + seconds_a_line
        while time.process_time() < until:
            pass

    beating = asyncio.create_task(beat())
    await run("seq", str(lines), on_line=understand)
    beating.cancel()
    assert 0 < longest < 0.15


async def test_a_line_without_end_takes_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = await run("sh", "-c", "head -c 100000000 /dev/zero | tr '\\0' x")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert [len(line) for line in done.tail] == [KEPT_BYTES + 2 - REACH]
    assert grown < 20_000  # KiB


def test_a_job_sees_what_it_may_and_nothing_else(tmp_path: Path) -> None:
    environ = {
        "PATH": "/bin",
        "LANG": "de_DE.UTF-8",
        "LC_ALL": "C",
        "HOME": "/root",
        "REPORTBACK_GITHUB_TOKEN": "s",
        "A": "1",
        "B": "2",
    }
    seen = child_environment(["A", "HOME", "MISSING"], environ, tmp_path)
    assert seen.pop("PATH") == f"{Path(sys.executable).parent}:/bin"
    assert seen == {"LANG": "C.UTF-8", "HOME": str(tmp_path), "TMPDIR": str(tmp_path), "A": "1"}
    assert child_environment(["LANG"], environ, tmp_path)["LANG"] == "de_DE.UTF-8"


async def test_a_job_and_its_supervisor_have_no_other_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTBACK_GITHUB_TOKEN", "ghp_secret")
    env = child_environment([], os.environ, tmp_path)
    show = "env; tr '\\0' '\\n' < /proc/$PPID/environ"
    done = await run_command(["sh", "-c", show], cwd=tmp_path, env=env, timeout=LONG, on_line=lambda _: None)
    assert f"HOME={tmp_path}" in done.tail
    assert "ghp_secret" not in "".join(done.tail)
