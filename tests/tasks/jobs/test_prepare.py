"""Preparations run before the command; what they made is taken from the cache, whole or not at all."""

import asyncio
import fcntl
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from processes import names_in

from domain.jobs.preparation import Preparation
from domain.process.limits import Limits
from domain.redact import public
from tasks.jobs import build_cache as module
from tasks.jobs.build_cache import BuildCache
from tasks.jobs.prepare import PreparationFailed, prepare
from tasks.jobs.run_commands import BuildEnvironment

INSTALL = (
    "echo install >> {0}/ran; mkdir -p node_modules/.bin; cp lock node_modules/made; ln -s ../made node_modules/.bin/x"
)


@dataclass
class Rig:
    folder: Path
    lines: list[str] = field(default_factory=list)
    count: int = 0

    @property
    def cache(self) -> BuildCache:
        return BuildCache(self.folder / "cache", 1_000_000)

    def copy(self, lock: str = "one") -> Path:
        """A fresh working copy."""
        self.count += 1
        made = self.folder / f"copy-{self.count}"
        made.mkdir()
        (made / "lock").write_text(lock)
        return made

    def step(self, script: str = INSTALL, **fields: object) -> Preparation:
        told = {"cache": {"paths": ["node_modules"], "key": ["lock"]}, **fields}
        return Preparation.model_validate({"command": ["sh", "-ec", script.format(self.folder)], **told})

    async def prepare(
        self, copy: Path, *steps: Preparation, cache: BuildCache | None = None, scope: str = "acme/site"
    ) -> Path:
        env = {"PATH": os.environ["PATH"], "SEEN": "yes"}
        around = BuildEnvironment(copy, env, Limits(), partial(public, roots=(str(copy),)), self.lines.append)
        await prepare(steps or (self.step(),), around, cache or self.cache, scope=scope)
        return copy

    def ran(self) -> int:
        """How often the install ran."""
        ran = self.folder / "ran"
        return len(ran.read_text().splitlines()) if ran.exists() else 0

    def entries(self) -> list[Path]:
        return sorted(self.cache.folder.iterdir(), key=lambda entry: entry.stat().st_mtime)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


async def test_preparations_run_in_order_in_the_working_copy_and_its_environment(rig: Rig) -> None:
    steps = [rig.step(f"echo {word} $SEEN | tee -a order", cache=None) for word in ("first", "second")]
    copy = await rig.prepare(rig.copy(), *steps)
    assert (copy / "order").read_text().splitlines() == rig.lines == ["first yes", "second yes"]


FAILURES = [
    ({"command": ["sh", "-c", "echo npm error: no lock; exit 3"]}, "sh: exit code 3: npm error: no lock"),
    ({"command": ["sh", "-c", "kill -9 $$"]}, "sh: ended by SIGKILL after"),
    ({"command": ["sleep", "60"], "timeout": 0.2}, "sleep: stopped after its time limit of 0.2 s"),
    ({"command": ["no-such-program"]}, "cannot start 'no-such-program': not found; install it where the worker runs"),
]


@pytest.mark.parametrize(("fields", "told"), FAILURES)
async def test_a_preparation_that_fails_says_why_and_nothing_follows(
    rig: Rig, fields: dict[str, object], told: str
) -> None:
    copy = rig.copy()
    with pytest.raises(PreparationFailed) as failed:
        await rig.prepare(copy, Preparation.model_validate(fields), rig.step("touch after", cache=None))
    assert str(failed.value).startswith(f"preparation failed: {told}")
    assert names_in(copy) == ["lock"]


async def test_a_cached_path_is_taken_instead_of_made_again_and_no_job_changes_it(rig: Rig) -> None:
    for _ in range(3):
        copy = await rig.prepare(rig.copy())
        assert (copy / "node_modules" / "made").read_text() == "one"
        assert (copy / "node_modules" / ".bin" / "x").readlink() == Path("../made")
        (copy / "node_modules" / "made").write_text("spoiled")
    assert rig.ran() == 1
    assert rig.lines[-1].endswith(": taken from the cache")


async def test_another_key_file_command_path_or_repository_is_another_entry(rig: Rig) -> None:
    await rig.prepare(rig.copy())
    await rig.prepare(rig.copy("two"))
    await rig.prepare(rig.copy(), rig.step(INSTALL + "; true"))
    await rig.prepare(rig.copy(), rig.step(cache={"paths": ["node_modules/.bin"], "key": ["lock"]}))
    await rig.prepare(rig.copy(), scope="acme/other")
    assert rig.ran() == len(rig.entries()) == 5


@pytest.mark.parametrize("key", ["missing", "link", "node_modules"])
async def test_without_its_key_files_nothing_is_cached(rig: Rig, key: str) -> None:
    copy = rig.copy()
    (copy / "link").symlink_to("/etc/passwd")
    await rig.prepare(copy, rig.step(cache={"paths": ["node_modules"], "key": ["lock", key]}))
    assert rig.ran() == 1
    assert not rig.cache.folder.exists()
    assert "no cache: a file of its key is not there" in rig.lines[-1]


async def test_paths_that_the_working_copy_has_are_not_replaced(rig: Rig) -> None:
    await rig.prepare(rig.copy())
    copy = rig.copy()
    (copy / "node_modules").mkdir()
    (copy / "node_modules" / "own").touch()
    await rig.prepare(copy)
    assert rig.ran() == 2
    assert names_in(copy / "node_modules") == [".bin", "made", "own"]


async def test_no_path_leads_out_of_the_working_copy(rig: Rig) -> None:
    (rig.folder / "precious").mkdir()
    copy = rig.copy()
    (copy / "out").symlink_to(rig.folder / "precious")
    await rig.prepare(copy, rig.step("echo x > out/made", cache={"paths": ["out/made"], "key": ["lock"]}))
    assert not rig.cache.folder.exists()
    assert "no cache: " in rig.lines[-1]


async def test_a_preparation_that_fails_leaves_nothing_in_the_cache(rig: Rig) -> None:
    with pytest.raises(PreparationFailed):
        await rig.prepare(rig.copy(), rig.step(INSTALL + "; exit 1"))
    assert not rig.cache.folder.exists()


async def test_a_preparation_that_does_not_make_its_paths_is_not_cached(rig: Rig) -> None:
    await rig.prepare(rig.copy(), rig.step("true"))
    assert not rig.cache.folder.exists()
    assert rig.lines[-1].endswith("nothing to keep: it has not made all of its paths")


async def test_a_half_restored_path_is_removed_before_it_is_made_again(rig: Rig) -> None:
    make = "mkdir web; echo install >> {0}/ran; echo made > made; echo made > web/made"
    step = rig.step(make, cache={"paths": ["made", "web/made"], "key": ["lock"]})
    await rig.prepare(rig.copy(), step)
    (entry,) = rig.entries()
    (entry / "1").unlink()
    copy = await rig.prepare(rig.copy(), step)
    assert rig.ran() == 2
    assert (copy / "web" / "made").read_text() == "made\n"
    assert "the cache could not be used" in rig.lines[-2]


async def test_a_path_that_leads_out_once_it_is_made_is_not_cached(rig: Rig) -> None:
    secret = rig.folder / "secret"
    (secret / "cache").mkdir(parents=True)
    step = rig.step("ln -s {0}/secret build", cache={"paths": ["build/cache"], "key": ["lock"]})
    await rig.prepare(rig.copy(), step)
    assert rig.lines[-1].endswith("not kept in the cache: one of its paths leads elsewhere now")
    assert not rig.cache.folder.exists()


async def test_jobs_at_the_same_time_do_not_hurt_each_other(rig: Rig) -> None:
    copies = await asyncio.gather(*(rig.prepare(rig.copy()) for _ in range(4)))
    assert all((copy / "node_modules" / "made").read_text() == "one" for copy in copies)
    assert len(rig.entries()) == 1
    assert len(names_in(rig.cache.folder)) == 1


async def test_the_cache_is_bounded_in_number_and_the_one_used_longest_ago_goes(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    for age, lock in ((300, "one"), (200, "two")):
        await rig.prepare(rig.copy(lock))
        os.utime(rig.entries()[-1], (rig.entries()[-1].stat().st_mtime - age,) * 2)
    await rig.prepare(rig.copy("one"))  # used again
    await rig.prepare(rig.copy("three"))
    assert rig.ran() == 3
    await rig.prepare(rig.copy("one"))
    assert rig.ran() == 3
    await rig.prepare(rig.copy("two"))
    assert rig.ran() == 4


async def test_the_cache_is_bounded_in_size(rig: Rig) -> None:
    fill = "echo install >> {0}/ran; mkdir node_modules; head -c 100000 /dev/zero > node_modules/x"
    small = BuildCache(rig.cache.folder, 250_000)
    for lock in ("one", "two", "three"):
        await rig.prepare(rig.copy(lock), rig.step(fill), cache=small)
    assert len(rig.entries()) == 2
    await rig.prepare(rig.copy("four"), rig.step(fill), cache=BuildCache(rig.cache.folder, 99_999))
    assert rig.lines[-1].endswith("not kept in the cache: more than 97.66K bytes: REPORTBACK_CACHE_SIZE bounds it")


async def test_an_entry_in_use_is_not_removed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    await rig.prepare(rig.copy())
    (entry,) = rig.entries()
    with module._locked(entry, fcntl.LOCK_SH) as is_there:
        assert is_there
        await rig.prepare(rig.copy("two"))
        assert entry in rig.entries()
    await rig.prepare(rig.copy("three"))
    assert len(rig.entries()) == 1
    assert not entry.exists()


async def test_a_cache_that_cannot_be_written_fails_no_job(rig: Rig) -> None:
    rig.cache.folder.write_text("no folder")
    copy = await rig.prepare(rig.copy())
    assert (copy / "node_modules" / "made").exists()
    assert "not kept in the cache: " in rig.lines[-1]


async def test_nothing_else_in_the_folder_is_touched(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    rig.cache.folder.mkdir()
    (rig.cache.folder / "precious").mkdir()
    await rig.prepare(rig.copy("one"))
    await rig.prepare(rig.copy("two"))
    assert len(names_in(rig.cache.folder)) == 2
    assert (rig.cache.folder / "precious").is_dir()


@pytest.mark.parametrize("lacks", ["size", "0"])
async def test_an_entry_that_is_not_whole_is_never_used_and_is_made_anew(rig: Rig, lacks: str) -> None:
    await rig.prepare(rig.copy())
    (entry,) = rig.entries()
    (entry / lacks).rename(rig.folder / "taken")
    for _ in range(2):
        copy = await rig.prepare(rig.copy())
        assert (copy / "node_modules" / "made").read_text() == "one"
    assert rig.ran() == 2
    assert any("the cache could not be used" in line for line in rig.lines) == (lacks == "0")
    assert str(rig.folder) not in "".join(rig.lines)
    assert rig.lines[-1].endswith(": taken from the cache")
