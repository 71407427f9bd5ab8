"""Whatever files a job leaves are removed, kept or refused by name: deep folders, closed folders, links."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from ordinary_user import PYTHONPATH
from processes import names_in

from domain.process.limits import NO_LIMITS
from tasks.jobs.keep_output import NotKept, Outputs, keep_output
from tasks.process.file_worker import Count, _counted, within
from tasks.process.files import USUAL, FileWorkFailed, are_there, copy_files
from tasks.process.temp_dirs import PREFIX, remove, scratch, sweep

BOUNDS = NO_LIMITS.for_files(USUAL)
DEEP, LONG = 1_200, 3_000
"""Levels: more than Python recurses, and more than a path may name."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder that is removed also if the tested code fails, when pytest could not remove it."""
    made = tmp_path / "place"
    made.mkdir()
    yield made
    subprocess.run(["rm", "-rf", made], check=True)


def nest(folder: Path, levels: int) -> Path:
    """Make nested folders in *folder*, with a file in the innermost."""
    folder.mkdir(exist_ok=True)
    at = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("a", dir_fd=at)
        inner = os.open("a", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = inner
    os.close(os.open("file", os.O_CREAT, dir_fd=at))
    os.close(at)
    return folder


@pytest.mark.parametrize("levels", [DEEP, LONG])
async def test_no_folder_is_too_deep_to_be_removed(place: Path, levels: int) -> None:
    async with scratch(place) as folder:
        nest(folder, levels)
    assert names_in(place) == []


def test_a_sweep_takes_deep_folders_and_goes_on(place: Path) -> None:
    for name in "abc":
        nest(place / f"{PREFIX}{name}", DEEP)
    sweep(place)
    assert names_in(place) == []


CLOSED = """
import os, sys
from pathlib import Path
from ordinary_user import become_ordinary
from tasks.process.kernel import make_non_dumpable
from tasks.process.temp_dirs import PREFIX, sweep
place = Path(sys.argv[1])
os.chdir(place)
become_ordinary(place)
make_non_dumpable()
at = os.open(".", os.O_RDONLY)
for name in [PREFIX + "left", *1_200 * "a"]:
    os.mkdir(name, dir_fd=at)
    inner = os.open(name, os.O_RDONLY, dir_fd=at)
    os.close(os.open("file", os.O_CREAT, dir_fd=inner))
    if name == "a":
        os.fchmod(at, 0)
    at = inner
sweep(Path("."))
print(os.geteuid() != 0, os.listdir("."))
"""


def said_by(program: str, place: Path) -> list[str]:
    """The words of a *program* that works in *place*."""
    env = {**os.environ, "PYTHONPATH": PYTHONPATH}
    command = [sys.executable, "-c", program, str(place)]
    return subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=True).stdout.split()


def test_no_folder_is_too_closed_to_be_removed_by_an_ordinary_user(place: Path) -> None:
    assert said_by(CLOSED, place) == ["True", "[]"]


SWAPPED = """
import ctypes, os, sys
from itertools import count
from pathlib import Path
from tasks.process.temp_dirs import remove
place, now = Path(sys.argv[1]), None
precious = place / "precious"
precious.mkdir(mode=0o755)
(precious / "file").touch()
folder, link = place / "left" / "copy" / "a", place / "left" / "copy" / "z"
exchange = ctypes.CDLL(None).renameat2
def job(event, _):
    global now
    if now is not None and event.startswith(("open", "os.")):
        now -= 1
        if now < 0:
            now = None
            exchange(-100, bytes(folder), -100, bytes(link), 2)
sys.addaudithook(job)
for moment in count():
    (folder / "b").mkdir(parents=True)
    (folder / "b").chmod(0o500)
    folder.chmod(0o500)
    link.symlink_to(precious)
    now = moment
    remove(place / "left")
    if now is not None:  # it is over, and the job had no chance
        break
    now = None
    remove(place / "left")
    assert precious.stat().st_mode & 0o777 == 0o755
    assert os.listdir(precious) == ["file"]
print(moment, os.listdir(place))
"""
"""A job that is still at work puts a link in a folder's place: before each call in turn that the removal makes."""


def test_no_running_process_leads_a_removal_out_of_the_folder(place: Path) -> None:
    moments, left = said_by(SWAPPED, place)
    assert int(moments) > 10
    assert left == "['precious']"


def test_a_folder_is_closed_before_anything_in_it_is_removed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, seen, listed = place / "left", set(), os.scandir
    (left / "copy").mkdir(parents=True)
    left.chmod(0o711)

    def look(folder: int) -> "os._ScandirIterator[str]":
        seen.add(left.stat().st_mode & 0o777)
        return listed(folder)

    monkeypatch.setattr(os, "scandir", look)
    remove(left)
    assert seen == {0o700}


async def keep(place: Path) -> Path:
    outputs = Outputs(place / "outputs", 10, timedelta(days=1))
    await keep_output(place, "site", UUID(int=7), outputs)
    return outputs.folder / str(UUID(int=7))


async def test_a_deep_output_is_kept(place: Path) -> None:
    nest(place / "site", DEEP)
    kept = await keep(place)
    assert (kept / ("a/" * DEEP) / "file").exists()


async def test_an_output_with_paths_that_are_too_long_is_not_kept(place: Path) -> None:
    nest(place / "site", LONG)
    with pytest.raises(NotKept, match=r"^output not kept: File name too long$"):
        await keep(place)
    assert names_in(place / "outputs") == []


def size_of(top: Path) -> int:
    """The bytes of *top* and all in it, as every work counts them."""
    count = Count(10_000, 10**9)
    assert sum(status.st_size for _, status in _counted(top, count)) == count.bytes
    return count.bytes


def test_the_size_of_a_deep_folder_is_that_of_all_in_it(place: Path) -> None:
    deep = nest(place / "deep", DEEP)
    (deep / ("a/" * DEEP) / "file").write_bytes(bytes(10**6))
    shallow = nest(place / "shallow", 1)
    assert size_of(deep) == 10**6 + DEEP * (size_of(shallow) // 2) + shallow.lstat().st_size


@pytest.fixture
def tools(place: Path) -> Path:
    """A link to a folder with a program that runs with its owner's rights."""
    program = place / "programs" / "sudo"
    program.parent.mkdir()
    program.write_bytes(bytes(5000))
    program.chmod(0o4755)
    (place / "tools").symlink_to(program.parent)
    return place / "tools"


def test_a_link_has_its_own_size_whatever_it_leads_to(tools: Path) -> None:
    assert size_of(tools) == len(str(tools.readlink()))


async def test_a_link_is_copied_and_what_it_leads_to_stays_as_it_is(tools: Path) -> None:
    await copy_files([(tools, tools.with_name("copied"))], BOUNDS)
    assert tools.with_name("copied").is_symlink()
    assert (tools / "sudo").stat().st_mode & 0o7777 == 0o4755


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="then it leads nowhere, and nothing is found there")
@pytest.mark.parametrize("target", ["build", "../place/build"])
def test_a_link_that_leads_to_itself_leads_out_of_every_folder(place: Path, target: str) -> None:
    (place / "build").symlink_to(target)
    assert within(place, "build/site") is None


async def test_a_push_refuses_a_folder_it_cannot_search(place: Path) -> None:
    nest(place / "docs", DEEP)
    assert await are_there(place, ["docs", "gone"], BOUNDS) == [True, False]
    nest(place / "long", LONG)
    with pytest.raises(FileWorkFailed, match=r"^long cannot be searched: File name too long$"):
        await are_there(place, ["long"], BOUNDS)


HIDDEN = """
import os, sys
from pathlib import Path
from ordinary_user import become_ordinary
from tasks.process.file_worker import CannotWork, Count, find
place = Path(sys.argv[1])
(place / "docs" / "inner" / ".git").mkdir(parents=True)
(place / "docs" / "inner").chmod(0o111)
os.chdir(place)
become_ordinary(place / "docs" / "inner")
try:
    find(Count(100, 10**9), ".", ["docs"])
except CannotWork as error:
    print(error)
"""


def test_a_push_refuses_a_folder_in_which_a_repository_may_hide(place: Path) -> None:
    assert " ".join(said_by(HIDDEN, place)) == "docs cannot be searched: Permission denied"
