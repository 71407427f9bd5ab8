"""The files that a reconciliation run removes from its machine."""

import os
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from maintaining import run_maintenance
from processes import names_in
from waiting import LONGEST
from world import World

from tasks.process.temp_dirs import PREFIX

DAY = timedelta(days=1).total_seconds()


@pytest.fixture
def database() -> str:
    """It is the disk that matters."""
    return "sqlite"


async def nothing(*_: object, **__: object) -> None:
    """What a part of the maintenance that is not the test's does."""


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "outputs"
    monkeypatch.setenv("REPORTBACK_OUTPUT_DIR", str(folder))
    monkeypatch.setenv("REPORTBACK_KEEP_OUTPUTS_FOR", "7d")
    monkeypatch.setenv("REPORTBACK_KEEP_OUTPUTS", "2")
    return folder


def kept(outputs: Path, name: str, *, days_ago: float) -> Path:
    folder = outputs / name
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("41 pages", encoding="utf-8")
    made_at = time.time() - days_ago * DAY
    os.utime(folder, (made_at, made_at))
    return folder


def ages_in(outputs: Path) -> list[int]:
    """In days."""
    return sorted(round((time.time() - one.stat().st_mtime) / DAY) for one in outputs.iterdir())


async def test_outputs_that_are_too_old_or_too_many_go_and_nothing_else_does(world: World, outputs: Path) -> None:
    for days in (8, 3, 2, 1):
        kept(outputs, str(uuid4()), days_ago=days)
    kept(outputs, "not-an-output", days_ago=30)
    assert await run_maintenance(world) == []
    assert ages_in(outputs) == [1, 2, 30]
    assert names_in(outputs)[-1] == "not-an-output"


async def test_where_nothing_was_ever_kept_nothing_is_made(world: World, outputs: Path) -> None:
    before = names_in(outputs.parent)
    assert await run_maintenance(world) == []
    assert names_in(outputs.parent) == before


async def test_outputs_that_cannot_be_removed_are_a_line_and_fail_no_pass(
    world: World, outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = kept(outputs, str(uuid4()), days_ago=8)

    def refuse(*_: object) -> Path:
        raise PermissionError(13, "Permission denied", str(old))

    monkeypatch.setattr(Path, "rename", refuse)
    assert await run_maintenance(world) == [f"old outputs could not be removed: [Errno 13] Permission denied: '{old}'"]


async def test_a_run_removes_the_folders_of_jobs_that_died_here(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"{PREFIX}dead").mkdir()
    await run_maintenance(world)
    assert not (tmp_path / f"{PREFIX}dead").exists()


@pytest.mark.parametrize("work", ["sweep", "remove_old_outputs"])
async def test_a_disk_that_does_not_answer_delays_neither_the_run_nor_its_process(
    world: World, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    answers, daemons = threading.Event(), list[bool]()

    def hang(*_: object, **__: object) -> None:
        daemons.append(threading.current_thread().daemon)
        answers.wait(LONGEST)

    monkeypatch.setattr(f"tasks.operations.periodic_maintenance.{work}", hang)
    for quick in ("emit_metrics", "prune"):  # on a loaded machine even they may take longer than this
        monkeypatch.setattr(f"tasks.operations.periodic_maintenance.{quick}", nothing)
    monkeypatch.setattr("tasks.operations.periodic_maintenance.LONGEST", timedelta(seconds=0.1))
    try:
        assert await run_maintenance(world) == [
            "maintenance took too long, and is left to the next reconciliation run: TimeoutError()"
        ]
    finally:
        answers.set()
    assert daemons == [True]
