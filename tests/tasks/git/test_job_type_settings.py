"""What a job type's checkout says: history, submodules, files of Git LFS."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from git_host import Host, git_host
from repositories import Origin, commit, git, new_repository

from domain.git.checkout import Checkout
from tasks.git.checkout import CheckoutFailed, working_copy

TOKEN = "a-token"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:48da\nsize 12\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Five commits, each with a tag `vN`, and one more tag on the last."""
    made = new_repository(tmp_path / "origin" / "repository")
    for number in range(1, 6):
        commit(made, **{f"page{number}_md": "x"})
        git(made, "tag", f"v{number}", *(("-a", "-m", "x") if number % 2 else ()))
    return made


@pytest.mark.parametrize(
    ("history", "commits", "tags"), [("full", "5", "v1 v2 v3 v4 v5"), (3, "3", "v3 v4 v5"), (1, "1", "")]
)
async def test_the_history_is_as_deep_as_its_job_type_says_and_has_its_tags(
    history: int | str, commits: str, tags: str, repository: Path
) -> None:
    sha = git(repository, "rev-parse", "HEAD")
    async with working_copy(repository.as_uri(), sha, checkout=Checkout(history=history)) as copy:
        assert git(copy, "rev-list", "--count", "HEAD") == commits
        assert git(copy, "tag").split() == tags.split()
        assert git(copy, "for-each-ref", "--format=%(refname)", "refs/reportback") == ""
        assert git(copy, "status", "--porcelain") == ""


async def test_pages_have_the_dates_of_their_commits_and_git_describe_finds_the_last_tag(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "other", "v1")
    commit(repository, page9_md="of another branch")
    git(repository, "tag", "v9")
    git(repository, "checkout", "-q", "-")
    sha = commit(repository, last_md="y")
    async with working_copy(repository.as_uri(), sha, checkout=Checkout(history="full")) as copy:
        assert git(copy, "log", "-1", "--format=%H", "--", "page2.md") == git(repository, "rev-parse", "v2")
        assert git(copy, "describe") == f"v5-1-g{sha[:7]}"
        assert "v9" not in git(copy, "tag").split()


@pytest.mark.parametrize("history", [1, 2, "full"])
@pytest.mark.parametrize("tag", ["v1", "of-a-tag"])
async def test_the_id_of_a_tag_means_its_commit(tag: str, history: int | str, repository: Path) -> None:
    git(repository, "tag", "-a", "-m", "x", "of-a-tag", "v1")
    said, sha = list[str](), git(repository, "rev-parse", tag)
    wanted = git(repository, "rev-parse", "v1^{commit}")
    async with working_copy(repository.as_uri(), sha, checkout=Checkout(history=history), say=said.append) as copy:
        assert git(copy, "rev-parse", "HEAD") == wanted
    assert said == [f"{sha[:12]} is a tag: its commit {wanted[:12]} is checked out"]


async def test_a_tag_of_what_is_no_commit_is_none(repository: Path) -> None:
    git(repository, "tag", "-a", "-m", "x", "of-a-file", "HEAD:page1.md")
    with pytest.raises(CheckoutFailed):
        async with working_copy(repository.as_uri(), git(repository, "rev-parse", "of-a-file")):
            pytest.fail("that is a file")


def add_submodule(desk: Path, url: str, at: str, sha: str) -> None:
    with (desk / ".gitmodules").open("a") as modules:
        modules.write(f'[submodule "{at}"]\n\tpath = {at}\n\turl = {url}\n')
    git(desk, "add", ".gitmodules")
    git(desk, "update-index", "--add", "--cacheinfo", f"160000,{sha},{at}")
    git(desk, "commit", "-qm", "a submodule")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    for name in ("root", "here"):
        (tmp_path / name).mkdir()
    with git_host(tmp_path / "root", tmp_path / "here", TOKEN) as serving:
        yield serving


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Host]:
    (tmp_path / "there").mkdir()
    with git_host(tmp_path / "root", tmp_path / "there") as serving:
        serving.is_public = True
        yield serving


def origin_in(folder: Path, name: str) -> Origin:
    (folder / "root" / name).mkdir()
    return Origin(folder / "root" / name)


async def test_submodules_of_the_same_host_get_the_token_and_others_none(
    host: Host, elsewhere: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(host.certificate.read_bytes() + elsewhere.certificate.read_bytes())
    monkeypatch.setenv("GIT_SSL_CAINFO", str(both))
    main, theme, public, deep = (origin_in(tmp_path, name) for name in ("main", "theme", "public", "deep"))
    inner = deep.commit("main", deep_md="deep")
    theme.commit("main", theme_css="old")
    add_submodule(tmp_path / "root" / "theme" / "desk", "../../deep/origin.git", "deep", inner)
    git(tmp_path / "root" / "theme" / "desk", "push", "-q", "origin", "main")
    wanted = theme.head("main") or ""
    theme.commit("main", theme_css="later")
    main.commit("main", page_md="x")
    desk = tmp_path / "root" / "main" / "desk"
    name = host.url.removeprefix("https://")
    add_submodule(desk, "../../theme/origin.git", "relative", wanted)
    add_submodule(desk, f"git@{name}:theme/origin.git", "by-ssh", wanted)
    add_submodule(desk, f"{elsewhere.url}/public/origin.git", "public", public.commit("main", public_md="public"))
    git(desk, "push", "-q", "origin", "main")
    host.moved = {"/old": "/theme"}
    add_submodule(desk, f"{host.url}/old/origin.git", "renamed", wanted)
    git(desk, "push", "-q", "origin", "main")
    url, sha = f"{host.url}/main/origin.git", main.head("main") or ""
    async with working_copy(url, sha, token=TOKEN, checkout=Checkout(submodules=True)) as copy:
        for place in ("relative", "by-ssh", "renamed"):
            assert (copy / place / "theme.css").read_text() == "old"
            assert (copy / place / "deep" / "deep.md").read_text() == "deep"
        assert (copy / "public" / "public.md").read_text() == "public"
        assert git(copy, "status", "--porcelain") == ""
        assert not [one for one in (copy / ".git").rglob("*") if one.is_file() and TOKEN.encode() in one.read_bytes()]
    assert {is_known for _, is_known in host.seen} == {True}
    assert {is_known for _, is_known in elsewhere.seen} == {False}


@pytest.mark.parametrize(
    "url", ["ssh://git@elsewhere.example.com/x.git", "git@elsewhere.example.com:x.git", "file:///x", "ext::sh"]
)
async def test_a_submodule_by_another_protocol_fails_the_checkout(
    url: str, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_CAINFO", str(host.certificate))
    main = origin_in(tmp_path, "main")
    main.commit("main", page_md="x")
    add_submodule(tmp_path / "root" / "main" / "desk", url, "inner", "1" * 40)
    git(tmp_path / "root" / "main" / "desk", "push", "-q", "origin", "main")
    with pytest.raises(CheckoutFailed, match="cannot check out"):
        async with working_copy(
            f"{host.url}/main/origin.git", main.head("main") or "", token=TOKEN, checkout=Checkout(submodules=True)
        ):
            pytest.fail("that protocol is none of the host's")


PRETENDED = """#!/bin/sh
env | grep ^GIT_CONFIG_VALUE > "{folder}/$1"
[ "$1" = pull ] && echo content > logo.png
true
"""


async def test_files_of_git_lfs_have_their_content_from_the_repositorys_own_host(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_CAINFO", str(host.certificate))
    pretended = tmp_path / "git-lfs"
    pretended.write_text(PRETENDED.format(folder=tmp_path))
    pretended.chmod(pretended.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    main = origin_in(tmp_path, "main")
    sha = main.commit("main", logo_png=POINTER, _lfsconfig="[lfs]\n\turl = https://evil.example.com/\n")
    url, said = f"{host.url}/main/origin.git", list[str]()
    async with working_copy(url, sha, token=TOKEN, checkout=Checkout(lfs=True), say=said.append) as copy:
        assert (copy / "logo.png").read_text() == "content\n"
    assert f"={url}/info/lfs" in (tmp_path / "pull").read_text()
    assert said == []


async def test_no_git_lfs_is_a_failed_checkout_that_says_so(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "git-lfs").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "git-lfs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(CheckoutFailed, match=r"checkout\.lfs needs git-lfs: install it where the worker runs"):
        async with working_copy(repository.as_uri(), git(repository, "rev-parse", "HEAD"), checkout=Checkout(lfs=True)):
            pytest.fail("there is none")
