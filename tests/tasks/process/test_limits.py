"""Resource limits of a job."""

import os
import sys
import textwrap
from datetime import timedelta
from pathlib import Path

import pytest
from processes import FAMILY, is_alive, pids_in

from domain.process.ended_by import EndedBy
from domain.process.limits import NO_LIMITS, Limits, as_argument
from tasks.process.command import Finished, run_command

MEBIBYTE = 1024**2


async def run(*argv: str, folder: Path, limits: Limits) -> Finished:
    return await run_command(
        argv,
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        timeout=timedelta(seconds=30),
        on_line=lambda _: None,
        limits=limits,
        grace=timedelta(seconds=20),
    )


async def python(code: str, *args: str, folder: Path, limits: Limits) -> Finished:
    return await run(sys.executable, "-c", textwrap.dedent(code), *args, folder=folder, limits=limits)


def test_only_given_limits_are_passed_to_the_supervisor() -> None:
    assert as_argument(NO_LIMITS) == ""
    assert as_argument(Limits()) == "memory=8589934592,processes=500"
    assert as_argument(Limits(memory="1K", file_size=2, processes=3, output=4)) == (
        "memory=1024,file_size=2,processes=3"
    )


@pytest.mark.parametrize(("wanted", "code"), [(100, 0), (300, 1)])
async def test_a_process_gets_no_more_memory_than_its_limit(wanted: int, code: int, tmp_path: Path) -> None:
    fill = f"x = bytearray({wanted} * 2**20)"
    done = await python(fill, folder=tmp_path, limits=Limits(memory=200 * MEBIBYTE))
    assert done.exit_code == code
    assert ("MemoryError" in done.tail) is bool(code)


async def test_child_processes_are_limited_too(tmp_path: Path) -> None:
    inner = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'x = bytearray(300 * 2**20)']))"
    done = await python(inner, folder=tmp_path, limits=Limits(memory=200 * MEBIBYTE))
    assert done.exit_code == 1


@pytest.mark.parametrize(("size", "signal"), [(999, None), (1001, "SIGXFSZ")])
async def test_a_file_does_not_grow_beyond_its_limit(size: int, signal: str | None, tmp_path: Path) -> None:
    done = await run(
        "sh", "-c", f"exec head -c {size * 1000} /dev/zero > big", folder=tmp_path, limits=Limits(file_size=1_000_000)
    )
    assert (done.ended_by, done.signal) == ((EndedBy.SIGNAL, 25) if signal else (EndedBy.EXITED, None))
    assert (tmp_path / "big").stat().st_size == min(size * 1000, 1_000_000)


async def test_a_job_with_more_processes_than_its_limit_is_killed_at_once(tmp_path: Path) -> None:
    done = await python(FAMILY, str(tmp_path), "stubborn", folder=tmp_path, limits=Limits(processes=2))
    assert (done.ended_by, done.exit_code, done.signal) == (EndedBy.PROCESS_LIMIT, None, None)
    assert done.elapsed < timedelta(seconds=15)  # no grace
    assert not any(map(is_alive, pids_in(tmp_path)))


async def test_a_fork_bomb_is_ended(tmp_path: Path) -> None:
    bomb = """
    import os, time
    for _ in range(300):
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid()
            time.sleep(60)
    time.sleep(60)
    """
    done = await python(bomb, folder=tmp_path, limits=Limits(processes=20))
    assert done.ended_by is EndedBy.PROCESS_LIMIT


async def test_as_many_processes_as_allowed_are_no_reason_to_end_a_job(tmp_path: Path) -> None:
    done = await python(FAMILY, str(tmp_path), "leave", folder=tmp_path, limits=Limits(processes=4))
    assert (done.ended_by, done.exit_code) == (EndedBy.EXITED, 7)


async def test_limits_do_not_bind_the_supervisor(tmp_path: Path) -> None:
    """Which has to count, and to kill, whatever the job does."""
    show = "grep -E 'Max (data|file) size' /proc/$PPID/limits | grep -c unlimited"
    done = await run("sh", "-c", show, folder=tmp_path, limits=Limits(memory=100 * MEBIBYTE, file_size=1000))
    assert done.tail == ("2",)


def how_soon_we_go() -> int:
    return int(Path("/proc/self/oom_score_adj").read_text(encoding="utf-8"))


async def test_where_memory_runs_out_the_job_is_killed_before_its_supervisor_and_flow(tmp_path: Path) -> None:
    own = how_soon_we_go()
    show = "cat /proc/self/oom_score_adj /proc/$PPID/oom_score_adj"
    done = await run("sh", "-c", show, folder=tmp_path, limits=NO_LIMITS)
    assert done.tail == (str(min(1000, own + 500)), str(own))


async def test_a_limit_beyond_what_the_machine_runs_is_none_that_is_exceeded(tmp_path: Path) -> None:
    done = await python(FAMILY, str(tmp_path), "leave", folder=tmp_path, limits=Limits())
    assert (done.ended_by, done.exit_code) == (EndedBy.EXITED, 7)
