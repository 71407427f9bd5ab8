"""Work on a job's files is limited in number, size and time; beyond that it fails and leaves nothing half-made."""

import os
import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from processes import names_in
from repositories import Origin, git, write

from domain.git.push import Push
from domain.jobs.preparation import Preparation
from domain.process.limits import FileBounds, Limits
from tasks.git.checkout import CheckoutFailed, working_copy
from tasks.git.push import PushFailed, push_changes
from tasks.jobs.build_cache import BuildCache
from tasks.jobs.keep_output import NotKept, Outputs, keep_output
from tasks.jobs.prepare import prepare
from tasks.jobs.run_commands import BuildEnvironment
from tasks.process.files import USUAL, TooMuch, are_there, copy_files, digests, hand_over
from tasks.process.users import JobUser

FEW = Limits(files=3)
SMALL = Limits(total_size="1K")
SHORT = Limits(file_work=0.001)
BEYOND = [
    (FEW, "more than 3 files and folders: limits.files bounds it"),
    (SMALL, "more than 1K bytes: limits.total_size bounds it"),
    (SHORT, "not done within 0.001 s: limits.file_work bounds it"),
]
beyond = pytest.mark.parametrize(("limits", "told"), BEYOND)


def fill(folder: Path) -> Path:
    """Four files of 1 KiB each, and a folder."""
    folder.mkdir(parents=True)
    for number in range(4):
        (folder / str(number)).write_bytes(os.urandom(1024))
    return folder


@beyond
async def test_an_output_beyond_a_limit_is_not_kept(limits: Limits, told: str, tmp_path: Path) -> None:
    fill(tmp_path / "copy" / "site")
    outputs = Outputs(tmp_path / "outputs", 10, timedelta(days=1))
    with pytest.raises(NotKept) as failed:
        await keep_output(tmp_path / "copy", "site", UUID(int=7), outputs, limits)
    assert str(failed.value) == f"output not kept: {told}"
    assert names_in(outputs.folder) == []


@beyond
async def test_a_preparation_beyond_a_limit_is_not_cached_and_fails_no_job(
    limits: Limits, told: str, tmp_path: Path
) -> None:
    said = await prepared(tmp_path, limits, "")
    assert said == f"make: not kept in the cache: {told}" or "the files of its key cannot be read" in said
    assert not (tmp_path / "cache").exists() or names_in(tmp_path / "cache") == []


async def prepared(folder: Path, limits: Limits, lock: str) -> str:
    """What was said last of a preparation that makes four files of 1 KiB, or finds them in the cache."""
    copy, lines = folder / "copy", list[str]()
    copy.mkdir(exist_ok=True)
    (copy / "lock").write_text(lock)
    (folder / "make").write_text("#!/bin/sh\nmkdir made; for n in 1 2 3 4; do head -c 1024 /dev/zero > made/$n; done\n")
    (folder / "make").chmod(0o755)
    cache = {"paths": ["made"], "key": ["lock"]}
    step = Preparation.model_validate({"command": ["make"], "cache": cache})
    around = BuildEnvironment(copy, {"PATH": f"{folder}:{os.environ['PATH']}"}, limits, str, lines.append)
    await prepare([step], around, BuildCache(folder / "cache", 10**9), scope="acme/site")
    assert names_in(copy / "made") == ["1", "2", "3", "4"]
    return lines[-1].removeprefix("Reportback: ")


async def test_key_files_beyond_a_limit_are_not_read(tmp_path: Path) -> None:
    said = await prepared(tmp_path, SMALL, "x" * 1025)
    assert said == f"make: no cache: the files of its key cannot be read: {BEYOND[1][1]}"


async def test_an_entry_that_is_too_much_for_one_job_type_stays_for_the_others(tmp_path: Path) -> None:
    assert await prepared(tmp_path, Limits(), "") == "make: kept in the cache"
    for limits, said in (
        (FEW, f"make: not kept in the cache: {BEYOND[0][1]}"),
        (Limits(), "make: taken from the cache"),
    ):
        shutil.rmtree(tmp_path / "copy")
        assert await prepared(tmp_path, limits, "") == said


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


@pytest.fixture
def sha(origin: Origin) -> str:
    """A commit with four files of 1,000 characters, which are no fewer when packed."""
    return origin.commit("main", **{f"docs__{number}": os.urandom(500).hex() for number in range(4)})


@beyond
async def test_a_commit_beyond_a_limit_is_not_checked_out(
    limits: Limits, told: str, origin: Origin, sha: str, tmp_path: Path
) -> None:
    (tmp_path / "copies").mkdir()
    with pytest.raises(CheckoutFailed) as failed:
        async with working_copy(origin.url, sha, parent=tmp_path / "copies", limits=limits):
            pytest.fail("it is beyond a limit")
    assert str(failed.value) == f"cannot check out {sha[:12]}: {told}"
    assert names_in(tmp_path / "copies") == []


async def test_a_commit_is_checked_out_as_large_as_it_is_and_refused_before_its_files_are_there(
    origin: Origin, tmp_path: Path
) -> None:
    sha = origin.commit("main", zeros="0" * 1_000_000)  # which are few bytes when packed
    with pytest.raises(CheckoutFailed, match=r"more than 976\.6K bytes: limits\.total_size bounds it"):
        async with working_copy(origin.url, sha, parent=tmp_path, limits=Limits(total_size=999_999)):
            pytest.fail("it is too large")
    async with working_copy(origin.url, sha, parent=tmp_path, limits=Limits(total_size=1_000_000, files=1)) as copy:
        assert (copy / "zeros").stat().st_size == 1_000_000


@pytest.mark.parametrize("files", [1, 150])  # git unpacks few objects, and keeps many as one file
async def test_more_than_may_be_checked_out_is_not_even_fetched(files: int, origin: Origin, tmp_path: Path) -> None:
    origin.commit("main", **{f"file{number}": "" if files == 1 else f"{number}" for number in range(files)})
    desk = tmp_path / "desk"
    git(desk, "commit", "-q", "--amend", "-m", os.urandom(30_000).hex())  # which is no file
    git(desk, "push", "-q", "--force", "origin", "main")
    with pytest.raises(CheckoutFailed, match=r"more than 20K bytes: limits\.total_size bounds it"):
        async with working_copy(
            origin.url, origin.head("main") or "", parent=tmp_path, limits=Limits(total_size="20K")
        ):
            pytest.fail("it is too large")


@pytest.mark.parametrize("says", ["unable to create thread: no more of them", "$(ulimit -d) bytes of memory"])
async def test_git_that_fails_for_another_reason_than_a_limit_has_its_own_word_and_all_memory(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, git=f'#!/bin/sh\necho "fatal: {says}"; exit 128\n')
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(CheckoutFailed) as failed:
        async with working_copy("file:///nowhere", "0" * 40, parent=tmp_path, limits=SMALL):
            pytest.fail("git fails")
    told = says.replace("$(ulimit -d)", "unlimited")
    assert str(failed.value) == f"cannot check out 000000000000: fatal: {told}"


@beyond
async def test_changes_beyond_a_limit_are_not_pushed(limits: Limits, told: str, origin: Origin, tmp_path: Path) -> None:
    sha = origin.commit("main", page="x")
    asked = Push(branch="main", paths=("docs",), credential="env:PUSH", author="Docs bot <docs@example.com>")
    async with working_copy(origin.url, sha, parent=tmp_path) as copy:
        fill(copy / "docs")
        with pytest.raises(PushFailed) as failed:
            await push_changes(
                copy, asked, clone_url=origin.url, sha=sha, token="a-token", message="update", limits=limits
            )
    assert str(failed.value) == f"push failed: {told}"
    assert origin.head("main") == sha


async def test_a_branch_that_grew_beyond_a_limit_is_not_built_upon(origin: Origin, tmp_path: Path) -> None:
    sha = origin.commit("main", page="x")
    head = origin.commit("main", **{f"theirs{number}": "x" for number in range(4)})
    asked = Push(branch="main", paths=("page",), credential="env:PUSH", author="Docs bot <docs@example.com>")
    async with working_copy(origin.url, sha, parent=tmp_path) as copy:
        write(copy, page="ours")
        with pytest.raises(PushFailed, match=r"^push failed: more than 3 files and folders"):
            await push_changes(
                copy, asked, clone_url=origin.url, sha=sha, token="a-token", message="update", limits=FEW
            )
    assert origin.head("main") == head


async def test_files_within_the_limits_are_given_whole_with_gits_own_files(
    origin: Origin, sha: str, tmp_path: Path
) -> None:
    limits, me = Limits(files=5, total_size=4_000), JobUser(os.getuid(), os.getgid())
    async with working_copy(origin.url, sha, parent=tmp_path, limits=limits) as copy:
        await hand_over([copy], me, limits.for_files(USUAL))
        assert copy.stat().st_mode & 0o777 == 0o700


BOUNDS = FileBounds(5, 10_000, timedelta(minutes=1))
WORK: dict[str, Callable[[Path], Awaitable[object]]] = {
    "copy": lambda folder: copy_files([(folder / "made", folder / "copied")], BOUNDS),
    "look": lambda folder: are_there(folder, ["made"], BOUNDS),
    "digest": lambda folder: digests(folder, [f"made/{number}" for number in range(4)] * 2, BOUNDS),
}


@pytest.mark.parametrize("do", WORK)
async def test_every_work_counts_what_it_is_given(do: str, tmp_path: Path) -> None:
    fill(tmp_path / "made")
    if do == "digest":
        with pytest.raises(TooMuch, match=r"more than 5 files"):
            await WORK[do](tmp_path)
        return
    await WORK[do](tmp_path)
    (tmp_path / "made" / "more").touch()
    with pytest.raises(TooMuch, match=r"more than 5 files"):
        await WORK[do](tmp_path)
    assert do != "copy" or names_in(tmp_path / "copied") == ["0", "1", "2", "3"]
