"""A push is reported as pushed exactly if the host stored it, however the push ended."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cancelling import STOPS, skip, stop
from full import thinned
from repositories import Origin, write
from waiting import block_until

from domain.git.push import Push
from tasks.git import push as module
from tasks.git.checkout import working_copy
from tasks.git.push import PushFailed, push_changes
from tasks.process import disk_space
from tasks.process.disk_space import NoSpace, with_room

PUSH = Push(branch="main", paths=("docs",), credential="env:PUSH", author="Docs bot <docs@example.com>", message=None)
HOLD = "touch {0}/holds; until [ -e {0}/go ]; do sleep 0.02; done"
LOSE = "kill -9 $PPID"
"""The reply never comes."""
ON_TOP = (
    "export GIT_AUTHOR_NAME=B GIT_AUTHOR_EMAIL=b@x GIT_COMMITTER_NAME=B GIT_COMMITTER_EMAIL=b@x; "
    "git update-ref refs/heads/main $(git commit-tree main^{{tree}} -p main -m theirs)"
)
"""Push as another user."""
FIRST = "[ ! -e {0}/first ] || exit 0; touch {0}/first; "


class Rig:
    def __init__(self, folder: Path, origin: Origin, sha: str, copy: Path) -> None:
        self.folder, self.origin, self.sha, self.copy = folder, origin, sha, copy
        write(copy, docs__page_md="new")

    def hook(self, name: str, script: str) -> None:
        path = self.origin.bare / "hooks" / name
        path.write_text(f"#!/bin/sh\n{script.format(self.folder)}\n")
        path.chmod(0o755)

    def push(self, branch: str = "main") -> asyncio.Task[str | None]:
        asked = PUSH.model_copy(update={"branch": branch})
        return asyncio.create_task(
            push_changes(self.copy, asked, clone_url=self.origin.url, sha=self.sha, token="a-token", message="update")
        )

    async def holds(self) -> None:
        await asyncio.to_thread(block_until, (self.folder / "holds").exists, within=60)

    def fill_the_disk_with(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is full as soon as a hook has made the file *name*."""
        full = self.folder / name
        monkeypatch.setattr(disk_space, "POLL_EVERY", timedelta(milliseconds=1))
        monkeypatch.setattr(disk_space, "free_in", lambda _: disk_space.RESERVE - full.exists())


def pass_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time for all of git is over."""
    limit = module.LIMIT.total_seconds()
    skip(limit)
    monkeypatch.setattr("tasks.git.run_git.time", SimpleNamespace(monotonic=lambda: time.monotonic() + limit))


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    origin = Origin(tmp_path)
    sha = origin.commit("main", docs__page_md="old")
    async with working_copy(origin.url, sha, parent=tmp_path) as copy:
        yield Rig(tmp_path, origin, sha, copy)
        (tmp_path / "go").touch()


@pytest.mark.parametrize("branch", ["main", "content/new"])
async def test_a_push_that_its_time_limit_cut_off_when_it_was_stored_is_pushed(
    rig: Rig, branch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.hook("post-receive", HOLD)
    pushing = rig.push(branch)
    await rig.holds()
    pass_time(monkeypatch)
    assert await pushing == rig.origin.head(branch) != rig.sha


@pytest.mark.parametrize(("how", "times"), thinned(STOPS.args[1], (1, 3)))
async def test_a_cancel_that_comes_when_the_push_is_stored_is_too_late(rig: Rig, how: str, times: int) -> None:
    rig.hook("post-receive", HOLD)
    others = asyncio.all_tasks()
    pushing = rig.push()
    await rig.holds()
    for _ in range(times):
        stop(pushing, how, others)
        await asyncio.sleep(0.02)
    assert await pushing == rig.origin.head("main") != rig.sha


@pytest.mark.parametrize("how", ["a cancel", "its time limit"])
async def test_a_push_that_was_cut_off_before_it_was_stored_is_none(
    rig: Rig, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STORE_TIME", timedelta(0))
    rig.hook("pre-receive", HOLD)
    pushing = rig.push()
    await rig.holds()
    if how == "a cancel":
        pushing.cancel()
    else:
        pass_time(monkeypatch)
    await asyncio.wait({pushing})
    if how == "a cancel":
        assert pushing.cancelled()
    else:
        assert str(pushing.exception()) == "push failed: not done within 300 s: limits.file_work bounds it"
    assert rig.origin.head("main") == rig.sha


@pytest.mark.parametrize("late", [1, 3])
async def test_a_host_that_shows_a_stored_push_late_is_read_again(
    rig: Rig, late: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHECK_EVERY", timedelta(0))
    monkeypatch.setattr(module, "STORE_TIME", timedelta(minutes=1))
    rig.hook("reference-transaction", f'[ "$1" != committed ] || {LOSE}')
    head, looks = module._Pusher._head, list[str | None]()

    async def shown(pusher: module._Pusher) -> str | None:
        looks.append(await head(pusher))
        return looks[-1] if len(looks) > 1 + late else rig.sha

    monkeypatch.setattr(module._Pusher, "_head", shown)
    assert await rig.push() == rig.origin.head("main") != rig.sha
    assert len(looks) == 2 + late


async def test_a_push_that_the_host_refuses_is_checked_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHECK_EVERY", timedelta(hours=1))
    rig.hook("pre-receive", "echo 'no new connection' >&2; exit 1")
    with pytest.raises(PushFailed, match=r"^push failed: "):
        await asyncio.wait_for(rig.push(), 60)
    assert rig.origin.head("main") == rig.sha


async def test_a_disk_that_fills_while_the_host_stores_the_push_does_not_cut_it_off(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.fill_the_disk_with("holds", monkeypatch)
    rig.hook("post-receive", HOLD)
    pushing = rig.push()
    await rig.holds()
    for _ in range(3):  # the check of the disk has seen it by then
        with pytest.raises(NoSpace):
            await with_room(asyncio.Event().wait(), rig.folder)
    (rig.folder / "go").touch()
    assert await pushing == rig.origin.head("main") != rig.sha


async def test_a_full_disk_does_not_prevent_seeing_what_the_host_has_stored(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.fill_the_disk_with("full", monkeypatch)
    rig.hook("post-receive", f"touch {{0}}/full; {LOSE}")
    assert await rig.push() == rig.origin.head("main") != rig.sha


async def test_a_disk_too_full_to_fetch_what_others_pushed_on_top_leaves_it_unknown(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.fill_the_disk_with("full", monkeypatch)
    rig.hook("post-receive", f"{ON_TOP}; touch {{0}}/full; {LOSE}")
    with pytest.raises(PushFailed, match=r"; whether the host has stored it is not known: no space: less than 256 MiB"):
        await rig.push()


async def test_a_push_that_others_pushed_on_top_of_before_its_reply_was_lost_is_pushed(rig: Rig) -> None:
    rig.hook("post-receive", f"{ON_TOP}; {ON_TOP}; {ON_TOP}; {LOSE}")
    made = await rig.push()
    assert made is not None
    assert rig.origin.history("main", "%H")[3] == made
    assert rig.origin.history("main", "%s") == ["theirs", "theirs", "theirs", "update", "a change"]


async def test_a_push_that_was_lost_while_the_branch_moved_is_sent_again(rig: Rig) -> None:
    side = rig.origin.commit("side", docs__theirs_md="theirs")
    move = f"env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main {side}"
    rig.hook("pre-receive", f"{FIRST}{move}; {LOSE}")
    made = await rig.push()
    assert made == rig.origin.head("main")
    assert rig.origin.files("main") == {"docs/page.md": "new", "docs/theirs.md": "theirs"}


async def test_a_host_unavailable_after_the_push_leaves_it_unknown(rig: Rig) -> None:
    rig.hook("post-receive", f"mv {rig.origin.bare} {{0}}/away; {LOSE}")
    with pytest.raises(PushFailed, match=r"; whether the host has stored it is not known: "):
        await rig.push()
