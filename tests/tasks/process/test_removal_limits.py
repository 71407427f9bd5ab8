"""Removing a job's files delays no job, cancel or process for long, and takes constant memory."""

import asyncio
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cancelling import staying_in
from memory import BYTES_A_FILE, Peaks
from processes import ROOT, names_in
from waiting import Held, until

from tasks.process import background as beside
from tasks.process import temp_dirs as module
from tasks.process.background import Stop, run_in_background
from tasks.process.temp_dirs import PREFIX, remove, scratch, sweep

HOUR = timedelta(hours=1)


def fill(folder: Path, files: int) -> Path:
    """Files, and half as many folders with a folder each."""
    for number in range(files):
        inner = folder / f"folder-{number // 2}" / "inner"
        inner.mkdir(parents=True, exist_ok=True)
        (folder / str(number)).touch()
        (inner / str(number)).touch()
    return folder


def everything(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*"))


def after(calls: int) -> Stop:
    """Says that it is to stop when it was asked so often."""
    left = iter(range(calls))
    return lambda: next(left, None) is None


def test_a_removal_that_is_to_stop_does_so_before_the_next_file(tmp_path: Path) -> None:
    folder = fill(tmp_path / f"{PREFIX}left", 100)
    before = everything(folder)
    remove(folder, after(10))
    assert before - 10 <= everything(folder) < before
    sweep(tmp_path, after(10))
    assert before - 20 <= everything(folder) < before - 10
    sweep(tmp_path)
    assert names_in(tmp_path) == []


async def test_leftovers_of_other_jobs_delay_no_job_longer_than_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = fill(tmp_path / f"{PREFIX}left", 10)
    monkeypatch.setattr(module, "SWEEP", timedelta(0))
    async with scratch(tmp_path) as folder:
        assert everything(left) > 0
        monkeypatch.undo()
        async with scratch(tmp_path):
            assert not left.exists()
        assert folder.exists()


async def test_a_job_that_is_cancelled_leaves_the_removal_of_much_to_the_next_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMOVAL_OF_CANCELLED", timedelta(0))

    def does(folder: Path) -> None:
        fill(folder, 10)
        folder.chmod(0o711)

    running = await staying_in(scratch(tmp_path), does)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    (name,) = names_in(tmp_path)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o700
    assert everything(tmp_path / name) > 0
    sweep(tmp_path)
    assert names_in(tmp_path) == []


async def test_abandoned_work_is_told_to_stop_and_its_thread_ends() -> None:
    threads = list[threading.Thread]()

    def work(stop: Stop) -> None:
        threads.append(threading.current_thread())
        while not stop():
            pass

    waiting = asyncio.create_task(run_in_background(work, longest=HOUR))
    await until(lambda: bool(threads))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: threads[0] not in threading.enumerate(), within=20)


async def test_work_is_told_to_stop_after_its_time_and_waited_for_only_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(stop: Stop) -> str:
        while not stop():
            pass
        return "half"

    assert await run_in_background(work, longest=timedelta(0)) == "half"
    monkeypatch.setattr(beside, "STOP_TIMEOUT", timedelta(0))
    with Held() as held, pytest.raises(TimeoutError):
        await run_in_background(held.up(lambda _: None), longest=timedelta(0))


ENDS = """
import asyncio, threading
from datetime import timedelta
from tasks.process.background import run_in_background
async def flow():
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    def work(_):
        loop.call_soon_threadsafe(begun.set)
        threading.Event().wait()  # a disk that never answers
    waiting = asyncio.create_task(run_in_background(work, longest=timedelta(hours=1)))
    await begun.wait()
    waiting.cancel()
asyncio.run(flow())
print("ends")
"""


def test_a_disk_that_never_answers_keeps_no_process_from_ending() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDS], cwd=ROOT, capture_output=True, text=True, check=True, timeout=20
    )
    assert done.stdout == "ends\n"


def test_a_removal_takes_no_more_memory_for_ten_times_the_files(tmp_path: Path) -> None:
    peaks = Peaks()
    for count in (200, 2_000):
        folder = fill(tmp_path / str(count), count)
        with peaks.measured(count):
            remove(folder)
    assert names_in(tmp_path) == []
    assert peaks.bytes_a_file < BYTES_A_FILE, peaks
