"""Old outputs never change an outcome, whatever is wrong with them; the newest stays."""

import errno
import os
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from processes import names_in
from unmovable import Unmovable

from tasks.jobs import keep_output as module
from tasks.jobs.keep_output import NEWEST, NotKept, Outputs, keep_output, remove_old_outputs

DAY = 86_400.0
FAULTS = (errno.EBUSY, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


@dataclass
class Rig:
    folder: Path

    @property
    def outputs(self) -> Path:
        return self.folder / "outputs"

    def old(self, *ages: float) -> list[str]:
        """Outputs of these ages, in days; less than 0: the clock was ahead when they were made."""
        names = [str(uuid4()) for _ in ages]
        for name, age in zip(names, ages, strict=True):
            (self.outputs / name).mkdir(parents=True)
            (self.outputs / name / "index.html").write_text(name)
            at = time.time() - age * DAY
            os.utime(self.outputs / name, (at, at))
        return names

    def kept(self, most: int) -> Outputs:
        return Outputs(self.outputs, most, timedelta(days=30))

    async def keep(self, job: UUID | None = None, *, most: int = 100, place: str = "") -> Path:
        site = self.folder / "copy" / "site"
        site.mkdir(parents=True, exist_ok=True)
        (site / "index.html").write_text("new")
        job = job or uuid4()
        await keep_output(self.folder / "copy", "site", job, self.kept(most), place=place)
        return self.outputs / str(job)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


@pytest.mark.parametrize("number", FAULTS)
@pytest.mark.parametrize("stuck", [(0,), (1,), (3,), (0, 2), (0, 1, 2, 3)])
async def test_an_old_output_that_cannot_be_moved_stays_and_all_others_go(
    rig: Rig, stuck: tuple[int, ...], number: int, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    old = rig.old(1, 2, 40, 50)
    stay = {old[one] for one in stuck}
    Unmovable(monkeypatch, number, *stay)
    new = await rig.keep(most=1)
    assert (new / "index.html").read_text() == "new"
    assert set(names_in(rig.outputs)) == {new.name, *stay}
    assert logged == [f"{len(stay)} old outputs could not be removed: cannot be moved"]


async def test_a_run_removes_all_that_it_can_and_then_reports_the_rest(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = rig.old(1, 2, 40, 50)
    Unmovable(monkeypatch, errno.EBUSY, old[1], old[2])
    with pytest.raises(OSError, match=f"cannot be moved: .*{old[1]}"):
        remove_old_outputs(rig.kept(1))
    assert set(names_in(rig.outputs)) == set(old[:3])


async def test_outputs_that_cannot_be_listed_decide_no_outcome(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(module, "newest_first", fail)
    assert (await rig.keep()).is_dir()
    assert logged == ["1 old outputs could not be removed: Input/output error"]


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("ages", [(-1, -1, -1), (-400, -1, 0.5), (-0.001, -0.002, 5)])
async def test_the_output_just_made_stays_though_the_clock_was_ahead_when_others_were_made(
    rig: Rig, ages: tuple[float, ...], most: int
) -> None:
    rig.old(*ages)
    new = await rig.keep(most=most)
    assert new.is_dir()
    assert len(names_in(rig.outputs)) == most
    remove_old_outputs(rig.kept(1))
    assert names_in(rig.outputs) == [new.name]  # what has a time to come was made before


async def test_the_output_just_made_stays_while_the_clock_is_ahead(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 400 * DAY)
    assert (await rig.keep(most=1)).is_dir()


@pytest.mark.parametrize("number", FAULTS)
async def test_an_earlier_output_that_cannot_be_moved_stays_and_the_new_one_is_not_kept(
    rig: Rig, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = rig.old(1)
    Unmovable(monkeypatch, number, job)
    with pytest.raises(NotKept, match=r"^output not kept: that of an earlier execution cannot be moved: cannot be"):
        await rig.keep(UUID(job))
    assert names_in(rig.outputs) == [job]
    assert (rig.outputs / job / "index.html").read_text() == job


@pytest.mark.parametrize("had", ["a folder", "a file", "a link"])
async def test_a_file_in_the_place_of_an_output_is_replaced(rig: Rig, had: str) -> None:
    job = uuid4()
    place = rig.outputs / str(job)
    rig.outputs.mkdir()
    if had == "a folder":
        place.mkdir()
    elif had == "a file":
        place.touch()
    else:
        place.symlink_to("/nowhere")
    kept = await rig.keep(job)
    assert (kept / "index.html").read_text() == "new"
    assert names_in(rig.outputs) == [str(job)]


async def test_an_earlier_output_comes_back_if_the_new_one_cannot_replace_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = rig.old(1)
    rename, failed = Path.rename, list[str]()

    def once(path: Path, to: Path) -> Path:
        if to == rig.outputs / job and not failed:
            failed.append(path.name)
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", once)
    with pytest.raises(NotKept, match=r"^output not kept: Input/output error$"):
        await rig.keep(UUID(job))
    assert (rig.outputs / job / "index.html").read_text() == job


@pytest.mark.parametrize("times", [1, 2])
async def test_an_execution_that_was_quicker_is_replaced_too(
    rig: Rig, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = rig.old(1)
    rename, quicker = Path.rename, list[Path]()

    def beside(path: Path, to: Path) -> Path:
        done = rename(path, to)
        if path == rig.outputs / job and len(quicker) < times:
            quicker.append(to)
            path.mkdir()
            (path / "theirs").touch()
        return done

    monkeypatch.setattr(Path, "rename", beside)
    kept = await rig.keep(UUID(job))
    assert names_in(kept) == ["index.html"]
    assert names_in(rig.outputs) == [job]


async def test_the_newest_output_of_each_repository_and_context_stays_while_older_ones_can_go(rig: Rig) -> None:
    quiet = await rig.keep(place="acme/site:docs/handbook")
    busy = [await rig.keep(most=3, place="acme/site:docs/api") for _ in range(5)]
    assert names_in(rig.outputs) == sorted([quiet.name, busy[-2].name, busy[-1].name, NEWEST])
    remove_old_outputs(rig.kept(2))
    assert names_in(rig.outputs) == sorted([quiet.name, busy[-1].name, NEWEST])


async def test_of_more_newest_outputs_than_may_be_kept_the_oldest_goes(rig: Rig) -> None:
    kept = [await rig.keep(most=2, place=f"acme/site:docs/{number}") for number in range(4)]
    assert names_in(rig.outputs) == sorted([kept[-2].name, kept[-1].name, NEWEST])
    assert len(names_in(rig.outputs / NEWEST)) <= 3


async def test_the_age_limit_leaves_the_newest_output_of_each_repository_and_context(rig: Rig) -> None:
    kept = [await rig.keep(place=place) for place in ("acme/site:docs/api", "acme/site:docs/handbook") * 2]
    for one in kept:
        os.utime(one, (time.time() - 40 * DAY,) * 2)
    remove_old_outputs(rig.kept(100))
    assert names_in(rig.outputs) == sorted([kept[2].name, kept[3].name, NEWEST])


async def test_a_note_that_is_damaged_holds_nothing_up(rig: Rig) -> None:
    first = await rig.keep(place="acme/site:docs/handbook")
    for name, content in (("a", "../copy"), ("b", str(uuid4())), ("c", "")):
        (rig.outputs / NEWEST / name).write_text(content)
    (rig.outputs / NEWEST / "d").mkdir()
    remove_old_outputs(rig.kept(1))
    assert names_in(rig.outputs) == sorted([first.name, NEWEST])
    assert (rig.folder / "copy").is_dir()
