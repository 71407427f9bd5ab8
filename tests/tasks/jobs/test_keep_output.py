"""Keeps a job's output: whole, without links that lead out of it, and for a limited time."""

import os
import socket
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from processes import names_in

from domain.process.limits import Limits
from tasks.jobs.keep_output import NotKept, Outputs, keep_output
from tasks.process.file_worker import MOST_LISTED
from tasks.process.temp_dirs import PREFIX

JOB = UUID(int=7)
DAYS = timedelta(days=30)


@dataclass
class Rig:
    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def copy(self) -> Path:
        return self.folder / "copy"

    @property
    def site(self) -> Path:
        return self.copy / "build" / "site"

    @property
    def outputs(self) -> Path:
        return self.folder / "srv" / "outputs"

    async def keep(self, job: UUID = JOB, *, most: int = 100, path: str = "build/site", **limits: object) -> Path:
        outputs = Outputs(self.outputs, most, DAYS)
        self.said = await keep_output(self.copy, path, job, outputs, Limits(**limits))
        return self.outputs / str(job)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    (made.site / "assets").mkdir(parents=True)
    (made.site / "index.html").write_text("<h1>built</h1>")
    (made.site / "assets" / "site.css").write_text("h1 {}")
    return made


async def test_the_folder_is_kept_under_the_jobs_id_and_stays_in_the_copy(rig: Rig) -> None:
    kept = await rig.keep()
    assert (kept / "index.html").read_text() == "<h1>built</h1>"
    assert (kept / "assets" / "site.css").read_text() == "h1 {}"
    assert names_in(rig.outputs) == [str(JOB)]
    assert (rig.site / "index.html").exists()
    assert rig.said == []


async def test_a_later_execution_takes_the_place_of_an_earlier_one(rig: Rig) -> None:
    await rig.keep()
    (rig.site / "index.html").unlink()
    (rig.site / "new.html").touch()
    assert names_in(await rig.keep()) == ["assets", "new.html"]
    assert names_in(rig.outputs) == [str(JOB)]


async def test_a_kept_output_is_readable_and_grants_no_rights(rig: Rig) -> None:
    (rig.site / "tool").touch()
    (rig.site / "tool").chmod(0o4755)
    (rig.site / "closed").mkdir(mode=0o700)
    (rig.site / "closed" / "page.html").touch(mode=0o600)
    kept = await rig.keep()
    modes = {path.name: path.stat().st_mode & 0o7777 for path in (kept, *kept.rglob("*"))}
    assert {modes[name] for name in (str(JOB), "closed", "assets")} == {0o755}
    assert {modes[name] for name in ("tool", "page.html", "index.html")} == {0o644}


async def test_links_that_stay_within_are_kept_and_all_others_dropped_and_listed(rig: Rig) -> None:
    secret = rig.folder / "secret"
    secret.write_text("secret")
    other = rig.outputs / str(uuid4())
    other.mkdir(parents=True)
    links = {
        "latest.html": "index.html",
        "assets/up.html": "../index.html",
        "itself": ".",
        "key": str(secret),
        "absolute": str(rig.site / "index.html"),
        "climbs": "../../../secret",
        "folder": "../..",
        "assets/neighbour": f"../../{other.name}",
        "returns": "../site/index.html",
        "nowhere": "missing",
        "circle": "circle",
        "through": "climbs",
    }
    for name, target in links.items():
        (rig.site / name).symlink_to(target)
    kept = await rig.keep()
    stayed = {str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_symlink()}
    assert stayed == {"latest.html", "assets/up.html", "itself"}
    told = {line.split("'")[1] for line in rig.said}
    assert told == links.keys() - stayed
    assert (kept / "assets" / "up.html").read_text() == "<h1>built</h1>"
    assert secret.read_text() == "secret"


async def test_pipes_and_sockets_are_dropped(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(rig.site / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(rig.site)  # the address of a socket is short
        listening.bind("socket")
    assert names_in(await rig.keep()) == ["assets", "index.html"]
    assert len(rig.said) == 2


async def test_of_many_dropped_links_some_are_listed(rig: Rig) -> None:
    for number in range(MOST_LISTED + 5):
        (rig.site / f"link-{number}").symlink_to("/etc")
    await rig.keep()
    assert len(rig.said) == MOST_LISTED + 1
    assert rig.said[-1] == "output: 5 more are dropped"


@pytest.mark.parametrize("made", ["missing", "file", "link", "way out"])
async def test_a_path_that_is_no_folder_of_the_copy_is_not_kept(rig: Rig, made: str) -> None:
    (rig.folder / "elsewhere" / "x").mkdir(parents=True)
    if made == "file":
        (rig.copy / "x").touch()
    elif made == "link":
        (rig.copy / "x").symlink_to(rig.site)
    elif made == "way out":
        (rig.copy / "out").symlink_to(rig.folder / "elsewhere")
    path = "out/x" if made == "way out" else "x"
    with pytest.raises(NotKept, match=f"^output not kept: {path} is no folder of the working copy$"):
        await rig.keep(path=path)
    assert not rig.outputs.exists()


async def test_an_output_beyond_its_limit_is_not_kept(rig: Rig) -> None:
    (rig.site / "big").write_bytes(bytes(2048 * 1024))
    with pytest.raises(NotKept, match=r"^output not kept: more than 1M bytes: limits\.output bounds it$"):
        await rig.keep(output="1M")
    assert names_in(rig.outputs) == []
    await rig.keep(output="3M")


async def test_an_output_that_cannot_be_written_is_reported_without_paths(rig: Rig) -> None:
    rig.outputs.parent.mkdir()
    rig.outputs.write_text("a file")
    with pytest.raises(NotKept, match=r"^output not kept: File exists$"):
        await rig.keep()


async def test_a_copy_that_fails_keeps_what_stood_there(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.keep()
    broken = rig.folder / "bin"
    broken.mkdir()
    (broken / "cp").write_text("#!/bin/sh\necho \"cp: error writing '$5/x': No space left on device\" >&2; exit 1\n")
    (broken / "cp").chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken}:{os.environ['PATH']}")
    with pytest.raises(NotKept, match=r"^output not kept: cp: error writing '…/x': No space left on device$"):
        await rig.keep()
    assert names_in(rig.outputs) == [str(JOB)]
    assert (rig.outputs / str(JOB) / "index.html").exists()


async def test_a_half_made_output_of_a_killed_job_is_removed_by_the_next(rig: Rig) -> None:
    (rig.outputs / f"{PREFIX}killed" / "half").mkdir(parents=True)
    await rig.keep()
    assert names_in(rig.outputs) == [str(JOB)]


def aged(kept: Path, days: float) -> Path:
    at = kept.stat().st_mtime - timedelta(days=days).total_seconds()
    os.utime(kept, (at, at))
    return kept


async def test_the_newest_are_kept_as_many_as_are_asked_for(rig: Rig) -> None:
    kept = [aged(await rig.keep(uuid4()), days) for days in (3, 2, 1)]
    newest = await rig.keep(uuid4(), most=2)
    assert names_in(rig.outputs) == sorted([kept[-1].name, newest.name])


async def test_nothing_is_kept_for_longer_than_it_is_asked_for(rig: Rig) -> None:
    old, young = aged(await rig.keep(uuid4()), 30.01), aged(await rig.keep(uuid4()), 29.99)
    newest = await rig.keep(uuid4())
    assert names_in(rig.outputs) == sorted([young.name, newest.name])
    assert not old.exists()


async def test_nothing_but_outputs_is_removed(rig: Rig) -> None:
    precious = rig.outputs / "precious"
    precious.mkdir(parents=True)
    aged(precious, 1000)
    newest = await rig.keep(most=1)
    assert names_in(rig.outputs) == [newest.name, "precious"]
