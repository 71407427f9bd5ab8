"""Pushes generated pages to a branch of their own, time and again; and what counts as a change of the job."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pushing import LINES
from repositories import Origin, commit, git, write

from domain.git.push import Push
from tasks.git.checkout import working_copy
from tasks.git.push import PushFailed, _Pusher, push_changes

PUSH = Push(branch="content", paths=("docs",), credential="env:P", author="Docs bot <docs@example.com>")


async def pushed(
    origin: Origin, sha: str, job: Callable[[Path], object], *, branch: str = "content", path: str = "docs"
) -> str | None:
    asked = PUSH.model_copy(update={"branch": branch, "paths": (path,)})
    async with working_copy(origin.url, sha) as copy:
        job(copy)
        return await push_changes(copy, asked, clone_url=origin.url, sha=sha, token="a-token", message="update")


def writes(**files: str | None) -> Callable[[Path], object]:
    return lambda copy: write(copy, **files)


@pytest.mark.parametrize("branch", ["content", "main"])
async def test_a_job_never_conflicts_with_its_own_last_push(origin: Origin, branch: str) -> None:
    sha = origin.commit("main", docs__status_md="by hand", docs__log_bin="\0")
    for count in range(10, 13):
        page = {"docs__status_md": f"{count} pages", "docs__log_bin": f"\0{count}", "docs__new_md": f"{count}"}
        assert await pushed(origin, sha, writes(**page), branch=branch)
        assert origin.files(branch)["docs/status.md"] == f"{count} pages"
        assert origin.files(branch)["docs/new.md"] == f"{count}"
    assert await pushed(origin, sha, writes(**page), branch=branch) is None


async def test_a_newer_commit_replaces_what_an_older_one_pushed_and_mixes_no_lines(origin: Origin) -> None:
    sha = origin.commit("main", docs__page_md=LINES)
    await pushed(origin, sha, writes(docs__page_md=LINES.replace("line 2\n", "monday\n")))
    later = origin.commit("main", src_py="x")
    tuesday = LINES.replace("line 18\n", "tuesday\n")
    await pushed(origin, later, writes(docs__page_md=tuesday))
    assert origin.files("content")["docs/page.md"] == tuesday.strip()


async def test_a_page_that_the_job_removes_goes_from_its_branch_too(origin: Origin) -> None:
    sha = origin.commit("main", docs__page_md="by hand", docs__other_md="x")
    await pushed(origin, sha, writes(docs__page_md="made"))
    await pushed(origin, origin.commit("main", src_py="x"), writes(docs__page_md=None))
    assert "docs/page.md" not in origin.files("content")


async def test_what_another_has_changed_since_the_last_push_is_a_conflict_still(origin: Origin) -> None:
    sha = origin.commit("main", docs__page_md="by hand")
    await pushed(origin, sha, writes(docs__page_md="made"))
    theirs = origin.commit("content", docs__page_md="corrected")
    with pytest.raises(PushFailed, match=r"content and the job have both changed docs/page\.md"):
        await pushed(origin, sha, writes(docs__page_md="made again"))
    assert origin.head("content") == theirs


KINDS: dict[str, Callable[[Path], object]] = {
    "text": lambda folder: (folder / "docs" / "x").write_text("text"),
    "binary": lambda folder: (folder / "docs" / "x").write_bytes(bytes(range(256)) * 9),
    "program": lambda folder: shutil.copy("/bin/true", folder / "docs" / "x"),
    "link": lambda folder: (folder / "docs" / "x").symlink_to("page.md"),
    "folder": lambda folder: write(folder, docs__x__y_md="below"),
}


@pytest.mark.parametrize("ours", KINDS)
@pytest.mark.parametrize("theirs", KINDS)
async def test_a_file_that_the_commit_lacks_replaces_the_branchs_in_every_kind_and_mode(
    ours: str, theirs: str, origin: Origin, tmp_path: Path
) -> None:
    sha = origin.commit("main", docs__page_md="x")
    desk = tmp_path / "desk"
    git(desk, "checkout", "-q", "-b", "content")
    KINDS[theirs](desk)
    commit(desk, other_md="x")
    git(desk, "push", "-q", "origin", "content")
    assert (await pushed(origin, sha, KINDS[ours]) is None) is (ours == theirs)
    async with working_copy(origin.url, sha) as copy:
        KINDS[ours](copy)
        git(copy, "add", "-A")
        expected = git(copy, "ls-files", "-s", "docs/x")
    assert (
        git(origin.bare, "ls-tree", "-r", "--format=%(objectmode) %(objectname) 0\t%(path)", "content", "docs/x")
        == expected
    )


@pytest.mark.parametrize("attribute", ["*.md text", "* text=auto", "*.md eol=crlf", "*.md text eol=lf", "*.md ident"])
async def test_line_ends_that_only_attributes_rewrite_are_no_change(
    attribute: str, origin: Origin, tmp_path: Path
) -> None:
    origin.commit("main", docs__b_md="x")
    desk = tmp_path / "desk"
    (desk / "docs" / "a.md").write_bytes(b"a\r\n$Id$\r\n")
    blob = git(desk, "hash-object", "-w", "--no-filters", "docs/a.md")
    (desk / ".gitattributes").write_text(attribute + "\n")
    git(desk, "add", ".gitattributes")
    git(desk, "update-index", "--add", "--cacheinfo", f"100644,{blob},docs/a.md")
    git(desk, "commit", "-qm", "x")
    git(desk, "push", "-q", "origin", "main")
    sha = origin.head("main") or ""
    assert await pushed(origin, sha, lambda _: None, branch="main") is None
    await pushed(origin, sha, writes(docs__b_md="new"), branch="main")
    assert git(origin.bare, "rev-parse", "main:docs/a.md") == blob
    assert origin.files("main")["docs/b.md"] == "new"


async def test_an_ignored_folder_whose_files_are_tracked_is_pushed(origin: Origin, tmp_path: Path) -> None:
    origin.commit("main", page_md="x")
    desk = tmp_path / "desk"
    write(desk, dist__a_js="old", _gitignore="dist\n")
    git(desk, "add", "-f", "dist/a.js", ".gitignore")
    git(desk, "commit", "-qm", "x")
    git(desk, "push", "-q", "origin", "main")
    await pushed(origin, origin.head("main") or "", writes(dist__a_js="new"), branch="main", path="dist")
    assert origin.files("main")["dist/a.js"] == "new"


async def test_a_commit_that_is_taken_back_while_the_job_pushes_stays_away(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = origin.commit("main", docs__page_md="x")
    origin.commit("main", docs__key="a secret")
    real, looked = _Pusher._head, list[str | None]()

    async def head(self: _Pusher) -> str | None:
        looked.append(await real(self))
        if len(looked) == 1:
            git(origin.bare, "update-ref", "refs/heads/main", sha)
        return looked[-1]

    monkeypatch.setattr(_Pusher, "_head", head)
    assert await pushed(origin, sha, writes(docs__page_md="new"), branch="main")
    assert origin.files("main") == {"docs/page.md": "new"}
