"""Old cache entries: one that cannot be moved does not keep others from removal; the newest stays."""

import errno
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from unmovable import Unmovable

from domain.process.limits import Limits
from tasks.jobs import build_cache as module
from tasks.jobs.build_cache import KEY_LENGTH, BuildCache, restore, save
from tasks.process.files import USUAL, FileWorkFailed

DAY = 86_400.0
BOUNDS = Limits().for_files(USUAL)


def key(number: int) -> str:
    return f"{number:0{KEY_LENGTH}x}"


class Rig:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = BuildCache(folder / "cache", 10_000_000)
        self.made = folder / "made"
        self.made.mkdir()
        (self.made / "x").write_text("whole")

    def old(self, *ages: float) -> list[str]:
        """Entries of these ages, in days; less than 0: the clock was ahead when they were made."""
        keys = [key(number) for number in range(1, len(ages) + 1)]
        for name, age in zip(keys, ages, strict=True):
            entry = self.cache.folder / name
            (entry / "0").mkdir(parents=True)
            (entry / "size").write_text("1")
            at = time.time() - age * DAY
            os.utime(entry, (at, at))
        return keys

    async def save(self, name: str = key(0)) -> None:
        await save(self.cache, name, [self.made], BOUNDS)

    async def restored(self, name: str = key(0)) -> bool:
        there = self.folder / "there"
        shutil.rmtree(there, ignore_errors=True)
        return await restore(self.cache, name, [there], BOUNDS) and (there / "x").read_text() == "whole"

    @property
    def entries(self) -> set[str]:
        return {entry.name for entry in self.cache.folder.iterdir()}


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rig:
    monkeypatch.setattr(module, "MOST", 2)
    return Rig(tmp_path)


@pytest.mark.parametrize("stuck", [(1,), (3,), (1, 3), (1, 2, 3)])
async def test_an_old_entry_that_cannot_be_moved_stays_and_all_others_go(
    rig: Rig, stuck: Sequence[int], monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    old = rig.old(1, 2, 3, 4)
    stay = {old[one] for one in stuck}
    Unmovable(monkeypatch, errno.EBUSY, *stay)
    await rig.save()
    assert rig.entries == {key(0), old[0], *stay}
    assert logged == [f"{len(stay)} old entries of the cache could not be removed: cannot be moved"]
    assert await rig.restored()


async def test_the_entry_just_made_stays_though_the_clock_was_ahead_when_others_were_made(rig: Rig) -> None:
    rig.old(-1, -2, -3)
    await rig.save()
    assert len(rig.entries) == 2
    assert await rig.restored()


@pytest.mark.parametrize("size", ["none", "", "no number"])
async def test_an_entry_that_is_not_whole_is_replaced(rig: Rig, size: str) -> None:
    await rig.save()
    told = rig.cache.folder / key(0) / "size"
    if size == "none":
        told.unlink()
    else:
        told.write_text(size)
    assert not await rig.restored()
    await rig.save()
    assert await rig.restored()


async def test_the_entry_that_was_stored_first_stays(rig: Rig) -> None:
    await rig.save()
    (rig.made / "x").write_text("later")
    await rig.save()
    assert await rig.restored()


@pytest.mark.parametrize("damage", ["a file is gone", "a file is cut", "nothing says what was kept"])
async def test_a_damaged_entry_is_not_used(rig: Rig, damage: str) -> None:
    (rig.made / "empty").touch()
    await rig.save()
    entry = rig.cache.folder / key(0)
    if damage == "a file is cut":
        (entry / "0" / "x").write_text("")
    else:
        (entry / ("0/empty" if damage == "a file is gone" else "content")).unlink()
    with pytest.raises(FileWorkFailed, match="the entry is damaged"):
        await rig.restored()


async def test_an_entry_that_could_not_be_restored_makes_room_for_another(rig: Rig) -> None:
    await rig.save()
    shutil.rmtree(rig.cache.folder / key(0) / "0")
    with pytest.raises(FileWorkFailed):
        await rig.restored()
    await module.discard(rig.cache, key(0))
    assert rig.entries == set()
    await module.discard(rig.cache, key(0))  # another job has done it meanwhile
