"""Checks out exactly the commit, from real repositories."""

import os
from pathlib import Path

import pytest
from processes import names_in
from repositories import commit, git, new_repository

from tasks.git import checkout
from tasks.git.checkout import CheckoutFailed, working_copy


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return new_repository(tmp_path / "origin" / "repository")


@pytest.mark.parametrize("url", ["{}", "file://{}"])
async def test_the_copy_is_of_the_commit_whatever_came_later(url: str, repository: Path, tmp_path: Path) -> None:
    commit(repository, page_md="first")
    wanted = commit(repository, page_md="wanted")
    commit(repository, page_md="later")
    async with working_copy(url.format(repository), wanted.upper(), parent=tmp_path) as copy:
        assert (copy / "page.md").read_text() == "wanted"
        assert git(copy, "rev-parse", "HEAD") == wanted
        assert git(copy, "rev-list", "--count", "HEAD") == "1"
        assert git(copy, "status", "--porcelain") == ""
    assert names_in(tmp_path) == ["origin"]


async def test_a_commit_of_no_branch_is_found_too(repository: Path) -> None:
    commit(repository, page_md="first")
    gone = commit(repository, page_md="force-pushed away")
    git(repository, "reset", "-q", "--hard", "HEAD~1")
    async with working_copy(str(repository), gone) as copy:
        assert (copy / "page.md").read_text() == "force-pushed away"


@pytest.mark.parametrize("sha", ["0" * 40, "main", "--upload-pack=touch pwned"])
async def test_anything_but_a_commit_that_is_there_fails(sha: str, repository: Path, tmp_path: Path) -> None:
    commit(repository, page_md="first")
    with pytest.raises(CheckoutFailed, match="cannot check out") as failed:
        async with working_copy(str(repository), sha, parent=tmp_path):
            pytest.fail("there is no such commit")
    assert str(tmp_path) not in str(failed.value)
    assert names_in(tmp_path) == ["origin"]


async def test_an_abbreviated_hash_of_a_commit_fails(repository: Path) -> None:
    sha = commit(repository, page_md="first")
    with pytest.raises(CheckoutFailed):
        async with working_copy(str(repository), sha[:12]):
            pytest.fail("that is not the whole hash")


@pytest.mark.parametrize("url", ["/no/such/repository", "file:///no/such/repository", "ext::sh -c 'touch /tmp/x'"])
async def test_a_repository_that_cannot_be_read_fails_without_telling_paths(url: str) -> None:
    with pytest.raises(CheckoutFailed) as failed:
        async with working_copy(url, "0" * 40):
            pytest.fail("there is no such repository")
    assert "/no/such" not in str(failed.value)


async def test_no_hook_runs_and_no_configuration_of_this_machine_is_read(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("post-checkout", "post-merge", "reference-transaction", "fsmonitor"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran-{name}\n")
        (hooks / name).chmod(0o755)
    template = tmp_path / "template"
    template.mkdir()
    (template / "hooks").symlink_to(hooks)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[core]\nhooksPath={hooks}\nfsmonitor={hooks}/fsmonitor\n[init]\ntemplateDir={template}\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / ".gitconfig"))
    sha = commit(repository, page_md="first")
    async with working_copy(str(repository), sha):
        assert names_in(tmp_path) == ["home", "hooks", "origin", "template"]


async def test_submodules_are_left_alone(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    git(tmp_path / "inner", "init", "-q")
    commit(tmp_path / "inner", page_md="inner")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(tmp_path / "inner"), "inner")
    sha = commit(repository, page_md="with a submodule")
    async with working_copy(str(repository), sha) as copy:
        assert list((copy / "inner").iterdir()) == []


async def test_git_has_a_time_limit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = commit(repository, page_md="first")
    monkeypatch.setattr(checkout, "TIMEOUT", checkout.TIMEOUT * 0)
    with pytest.raises(CheckoutFailed, match="not done within 0 s"):
        async with working_copy(str(repository), sha):
            pytest.fail("there was no time")


async def test_no_git_is_a_failed_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CheckoutFailed, match="'git': not found; install it"):
        async with working_copy("https://github.com/octocat/hello-world.git", "0" * 40):
            pytest.fail("there is no git")


SHOW_GIT = """#!/bin/sh
env | grep ^GIT_CONFIG_ | sort > "$HOME/../seen-$1"
echo "$@" >> "$HOME/../arguments"
[ "$1" = init ] && exit 0
echo "fatal: $(env | grep Authorization) is refused: ghs_token"; exit 128
"""


@pytest.fixture
def pretended_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(SHOW_GIT)
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path


@pytest.mark.parametrize(("url", "sent"), [("https://github.com/a/b.git", True), ("http://github.com/a/b.git", False)])
async def test_a_token_goes_to_its_own_host_only_and_shows_nowhere(url: str, sent: bool, pretended_git: Path) -> None:  # noqa: FBT001 - a parameter of the test
    with pytest.raises(CheckoutFailed, match=r"is refused: \*\*\*") as failed:
        async with working_copy(url, "0" * 40, parent=pretended_git, token="ghs_token"):
            pytest.fail("it was refused")
    config = (pretended_git / "seen-fetch").read_text()
    assert ("=http.https://github.com/.extraHeader\n" in config) is sent
    assert ("Authorization: Basic eC1hY2Nlc3MtdG9rZW46Z2hzX3Rva2Vu" in config) is sent
    assert "ghs_token" not in (pretended_git / "arguments").read_text()
    assert "eC1hY2Nlc3M" not in str(failed.value)
