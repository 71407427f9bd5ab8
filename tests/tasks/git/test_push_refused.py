"""A push that the host refuses, that another overtakes, or whose end is not told."""

import asyncio
from pathlib import Path

import pytest
from pushing import BRANCH, hook, push
from repositories import Origin, write
from waiting import Held, until

from tasks.git.push import PushFailed
from tasks.process import temp_dirs


async def test_a_refused_push_says_why_without_the_token(origin: Origin, sha: str, copy: Path) -> None:
    hook(origin, "pre-receive", "echo 'error: GH006: Protected branch update failed for a-token' >&2; exit 1")
    write(copy, docs__page_md="new")
    with pytest.raises(PushFailed, match=r"^push failed: .*GH006: Protected branch update failed for \*\*\*"):
        await push(copy, origin, sha)
    assert origin.head(BRANCH) == sha


@pytest.mark.parametrize("lines", [0, 80])
async def test_the_hosts_own_reason_is_told_however_much_follows_it(
    lines: int, origin: Origin, sha: str, copy: Path
) -> None:
    more = f'i=0; while [ $i -lt {lines} ]; do echo "- rule $i says no"; i=$((i+1)); done'
    said = "echo 'error: GH013: Repository rule violations found for refs/heads/main.'; echo; echo '- No push here.'"
    hook(origin, "pre-receive", f"({said}; {more}) >&2; exit 1")
    write(copy, docs__page_md="new")
    with pytest.raises(PushFailed) as failed:
        await push(copy, origin, sha)
    reason = "remote: error: GH013: Repository rule violations found for refs/heads/main. - No push here."
    assert str(failed.value) == f"push failed: {reason}"


MOVE = "env -u GIT_QUARANTINE_PATH git update-ref refs/heads/main"
"""The branch moves while we push: another push was quicker."""


async def test_a_branch_that_moves_while_we_push_is_followed(
    origin: Origin, sha: str, copy: Path, tmp_path: Path
) -> None:
    shas = [origin.commit("side", docs__theirs_md=f"theirs {number}") for number in range(3)]
    turns = (
        f"n=$(ls {tmp_path}/turn-* 2>/dev/null | wc -l); touch {tmp_path}/turn-$n; set -- {' '.join(shas)}; shift $n"
    )
    hook(origin, "pre-receive", f"{turns} 2>/dev/null || exit 0; [ $# = 0 ] && exit 0; {MOVE} $1; exit 1")
    write(copy, docs__ours_md="ours")
    await push(copy, origin, sha)
    assert origin.files(BRANCH)["docs/theirs.md"] == "theirs 2"
    assert "docs/ours.md" in origin.files(BRANCH)


async def test_a_push_whose_reply_is_lost_is_known_by_the_branch(origin: Origin, sha: str, copy: Path) -> None:
    hook(origin, "reference-transaction", '[ "$1" != committed ] || kill -9 $PPID')
    write(copy, docs__page_md="new")
    made = await push(copy, origin, sha)
    assert made == origin.head(BRANCH) != sha


async def test_a_cancel_that_comes_after_the_push_does_not_undo_it(
    origin: Origin, sha: str, copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "scratch").mkdir()  # where no other test leaves a folder to be removed first
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    write(copy, docs__page_md="new")
    with Held() as held:
        monkeypatch.setattr(temp_dirs, "remove", held.up(temp_dirs.remove))
        pushing = asyncio.create_task(push(copy, origin, sha))
        await until(held.begun.is_set)
        pushing.cancel()
    assert await pushing == origin.head(BRANCH) != sha
