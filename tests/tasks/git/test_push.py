"""Pushes a job's changes to the branch once, and keeps what others pushed there."""

from pathlib import Path

import pytest
from pushing import BRANCH, LINES, push
from repositories import Origin, git, write

from tasks.git import push as module
from tasks.git.push import PushFailed


async def test_only_changes_in_the_declared_paths_are_committed(origin: Origin, sha: str, copy: Path) -> None:
    write(copy, docs__page_md="new", docs__old_md=None, docs__more__deep_md="more", src_py="touched", junk_txt="junk")
    made = await push(copy, origin, sha)
    assert made == origin.head(BRANCH)
    assert origin.files(BRANCH) == {"docs/page.md": "new", "docs/more/deep.md": "more", "src.py": "source"}
    assert origin.history(BRANCH) == ["Docs bot <docs@example.com>: update", "A <a@example.com>: a change"]
    assert origin.history(BRANCH, "%cn <%ce>")[0] == "Docs bot <docs@example.com>"


async def test_nothing_changed_is_nothing_pushed(origin: Origin, sha: str, copy: Path) -> None:
    write(copy, src_py="touched")
    assert await push(copy, origin, sha) is None
    assert origin.head(BRANCH) == sha


async def test_a_retry_pushes_nothing_twice(origin: Origin, sha: str, copy: Path) -> None:
    write(copy, docs__page_md="new", docs__added_md="added", docs__old_md=None)
    made = await push(copy, origin, sha)
    assert await push(copy, origin, sha) is None
    assert origin.head(BRANCH) == made


async def test_a_branch_that_is_not_there_is_made_on_top_of_the_commit(origin: Origin, sha: str, copy: Path) -> None:
    write(copy, docs__page_md="new")
    await push(copy, origin, sha, branch="content/new")
    assert origin.files("content/new") == {"docs/page.md": "new", "docs/old.md": "old", "src.py": "source"}
    assert origin.head(BRANCH) == sha


async def test_changes_of_others_on_the_branch_stay_also_in_the_same_file(origin: Origin, sha: str, copy: Path) -> None:
    theirs = origin.commit(BRANCH, docs__page_md=LINES.replace("line 2\n", "theirs\n"), docs__theirs_md="theirs")
    write(copy, docs__page_md=LINES.replace("line 18\n", "ours\n"), docs__ours_md="ours")
    await push(copy, origin, sha)
    both = LINES.replace("line 2\n", "theirs\n").replace("line 18\n", "ours\n").strip()
    assert origin.files(BRANCH)["docs/page.md"] == both
    assert {"docs/theirs.md", "docs/ours.md", "docs/old.md"} < origin.files(BRANCH).keys()
    assert origin.history(BRANCH, "%P")[0] == theirs


async def test_a_file_changed_by_both_is_a_conflict_and_nothing_is_pushed(origin: Origin, sha: str, copy: Path) -> None:
    theirs = origin.commit(BRANCH, docs__page_md="theirs")
    write(copy, docs__page_md="ours")
    with pytest.raises(PushFailed, match=r"^push failed: main and the job have both changed docs/page\.md$"):
        await push(copy, origin, sha)
    assert origin.head(BRANCH) == theirs


async def test_a_file_removed_on_the_branch_and_changed_by_the_job_is_a_conflict(
    origin: Origin, sha: str, copy: Path
) -> None:
    origin.commit(BRANCH, docs__page_md=None)
    write(copy, docs__page_md="ours")
    with pytest.raises(PushFailed, match=r"^push failed: main and the job have both changed docs/page\.md$"):
        await push(copy, origin, sha)


async def test_changes_already_on_the_branch_are_not_made_again(origin: Origin, sha: str, copy: Path) -> None:
    theirs = origin.commit(BRANCH, docs__page_md="the same", src_py="theirs")
    write(copy, docs__page_md="the same")
    assert await push(copy, origin, sha) is None
    assert origin.head(BRANCH) == theirs


async def test_files_that_only_the_branch_has_stay_and_those_of_the_job_are_replaced(
    origin: Origin, sha: str, copy: Path
) -> None:
    """A branch of its own for content that the job's commit does not have."""
    origin.commit("content", docs__generated_md="yesterday's", docs__another_md="another job's", docs__old_md=None)
    write(copy, docs__generated_md="today's")
    await push(copy, origin, sha, branch="content")
    content = origin.files("content")
    assert (content["docs/generated.md"], content["docs/another.md"]) == ("today's", "another job's")
    assert "docs/old.md" not in content
    assert await push(copy, origin, sha, branch="content") is None


async def test_a_branch_of_another_history_gets_the_jobs_files(origin: Origin, sha: str, copy: Path) -> None:
    orphan = git(origin.bare, "commit-tree", "-m", "empty", git(origin.bare, "hash-object", "-t", "tree", "/dev/null"))
    git(origin.bare, "hash-object", "-w", "-t", "tree", "/dev/null")
    git(origin.bare, "update-ref", "refs/heads/pages", orphan)
    write(copy, docs__added_md="added")
    await push(copy, origin, sha, branch="pages")
    assert origin.files("pages") == {"docs/added.md": "added"}


async def test_ignored_files_are_not_pushed_and_an_ignored_path_is_an_error(
    origin: Origin, sha: str, copy: Path
) -> None:
    write(copy, _gitignore="*.tmp\n/site\n", docs__page_md="new", docs__page_tmp="junk", site__index_html="site")
    await push(copy, origin, sha)
    assert "docs/page.tmp" not in origin.files(BRANCH)
    with pytest.raises(PushFailed, match=r"^push failed: site is ignored by \.gitignore$"):
        await push(copy, origin, sha, paths=("site",))


async def test_a_path_that_is_nowhere_is_nothing_to_push(origin: Origin, sha: str, copy: Path) -> None:
    write(copy, docs__page_md="new")
    assert await push(copy, origin, sha, paths=("translations", "*")) is None


async def test_a_symbolic_link_is_pushed_as_itself_and_never_followed(
    origin: Origin, sha: str, copy: Path, tmp_path: Path
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text("secret")
    (copy / "docs" / "link").symlink_to(tmp_path / "secrets" / "key")
    await push(copy, origin, sha)
    assert origin.files(BRANCH)["docs/link"] == str(tmp_path / "secrets" / "key")
    (copy / "out").symlink_to(tmp_path / "secrets")
    with pytest.raises(PushFailed, match=r"^push failed: out/key leads out of the working copy$"):
        await push(copy, origin, sha, paths=("out/key",))


async def test_a_repository_within_the_paths_is_refused(origin: Origin, sha: str, copy: Path) -> None:
    git(copy, "init", "-q", "docs/inner")
    with pytest.raises(PushFailed, match=r"^push failed: docs/inner is a repository of its own$"):
        await push(copy, origin, sha)


async def test_nothing_that_the_job_left_in_its_own_git_folder_runs_or_decides(
    origin: Origin, sha: str, copy: Path, tmp_path: Path
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\nenv > {tmp_path}/ran\nexec cat\n")
    trap.chmod(0o755)
    (copy / ".git" / "hooks").mkdir(exist_ok=True)
    for name in ("pre-push", "pre-commit", "post-checkout", "reference-transaction"):
        (copy / ".git" / "hooks" / name).symlink_to(trap)
    for name in ("core.fsmonitor", "core.sshCommand", "credential.helper", "filter.evil.clean", "core.pager"):
        git(copy, "config", name, str(trap))
    git(copy, "config", f"url.{tmp_path}/elsewhere.insteadOf", origin.url)
    write(copy, _gitattributes="* filter=evil\n", docs___gitattributes="* filter=evil\n", docs__page_md="new")
    await push(copy, origin, sha)
    assert origin.files(BRANCH)["docs/page.md"] == "new"
    assert not (tmp_path / "ran").exists()


async def test_git_has_a_time_limit(origin: Origin, sha: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", module.LIMIT * 0)
    with pytest.raises(PushFailed, match=r"^push failed: not done within 0 s: limits\.file_work bounds it$"):
        await push(copy, origin, sha)


async def test_nothing_of_a_push_is_left(
    origin: Origin, sha: str, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    write(copy, docs__page_md="new")
    await push(copy, origin, sha)
    assert list((tmp_path / "scratch").iterdir()) == []
