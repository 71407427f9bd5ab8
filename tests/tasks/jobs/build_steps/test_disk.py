"""A full disk, or one that does not answer, while a commit is built."""

import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from build_rig import BuildRig
from processes import names_in

from domain.jobs.job_states import JobState
from tasks.jobs import build_steps as executing
from tasks.process import disk_space
from tasks.process.background import Stop
from tasks.process.files import USUAL


@pytest.mark.parametrize("at", ["at the checkout", "at the output"])
async def test_a_disk_that_fills_during_a_job_is_an_error_that_says_so(
    rig: BuildRig, at: str, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    is_full = (rig.folder / "full").exists if at == "at the output" else lambda: True
    monkeypatch.setattr(disk_space, "free_in", lambda _: disk_space.RESERVE - is_full())
    monkeypatch.setattr(executing, "check_free_space", lambda *_: None)
    ended = await rig.run(f"mkdir build; touch {rig.folder}/full", output="build")
    assert (ended.state, ended.summary) == (
        JobState.CRASHED,
        "no space: less than 256 MiB is left on the disk",
    )
    assert any("have to stay: make room there, and retry it" in line for line in logged)
    assert not rig.outputs.exists() or names_in(rig.outputs) == []


async def test_making_room_for_a_job_may_take_as_long_as_other_work_on_files(
    rig: BuildRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    gives_up, late = list[bool](), timedelta(0)

    def make_room(_: object, stop: Stop) -> None:
        nonlocal late
        for late in (USUAL - timedelta(minutes=1), USUAL):  # noqa: B007  # the clock reads it
            gives_up.append(stop())

    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late.total_seconds())
    monkeypatch.setattr("tasks.process.background.time", clock)
    monkeypatch.setattr(executing, "check_free_space", make_room)
    assert (await rig.run("true")).state is JobState.SUCCEEDED
    assert gives_up == [False, True]


async def test_a_disk_that_does_not_answer_is_an_error_that_says_so(
    rig: BuildRig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    async def never_answers(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(executing, "run_in_background", never_answers)
    ended = await rig.run("true")
    assert (ended.state, ended.summary) == (JobState.CRASHED, "no space: the disk does not answer")
    assert any("check its disk, and retry the job" in line for line in logged)


async def test_a_disk_that_answers_no_more_once_a_command_has_failed_changes_nothing(
    rig: BuildRig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    def never_answers(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(executing, "_keep_copy", never_answers)
    ended = await rig.run("exit 1")
    assert (ended.state, ended.summary, logged) == (JobState.FAILED, "exit code 1", [])


async def test_a_command_that_failed_has_its_own_word_also_on_a_disk_that_it_filled(
    rig: BuildRig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    monkeypatch.setattr(disk_space, "free_in", lambda _: disk_space.RESERVE - (rig.folder / "full").exists())
    monkeypatch.setattr(executing, "check_free_space", lambda *_: None)
    ended = await rig.run(f"mkdir build; touch {rig.folder}/full; echo no luck; exit 1", output="build")
    assert (ended.state, ended.summary) == (JobState.FAILED, "exit code 1: no luck")
    assert "Reportback: output not kept: no space: less than 256 MiB is left on the disk" in rig.lines
    assert any("have to stay: make room there, and retry it" in line for line in logged)
