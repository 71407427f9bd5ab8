"""No file of a repository affects its checkout or sends git to another host."""

import os
import subprocess
from pathlib import Path

import pytest
from git_host import git_host
from processes import names_in
from repositories import Origin, git

from tasks.git.checkout import CheckoutFailed, working_copy

TOKEN = "a-token-of-ours"


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A program that leaves a mark in `tmp_path/ran`."""
    (tmp_path / "ran").mkdir()
    program = tmp_path / "evil"
    program.write_text(f'#!/bin/sh\ntouch "{tmp_path}/ran/$(basename "$1")"\ncat\n')
    program.chmod(0o755)
    return program


async def test_filters_do_not_run_whatever_the_attributes_and_this_machine_say(
    origin: Origin, evil: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    filters = "".join(
        f'[filter "{name}"]\nsmudge={evil} smudge\nprocess={evil} process\nrequired=true\n' for name in ("evil", "lfs")
    )
    (home / ".gitconfig").write_text(filters)
    monkeypatch.setenv("HOME", str(home))
    pointer = "version https://git-lfs.github.com/spec/v1"
    attributes = "*.md filter=evil\n*.png filter=lfs diff=lfs merge=lfs -text\n"
    sha = origin.commit("main", _gitattributes=attributes, page_md="as it stands", logo_png=pointer)
    async with working_copy(origin.url, sha, parent=tmp_path) as copy:
        assert ((copy / "page.md").read_text(), (copy / "logo.png").read_text()) == ("as it stands", pointer)
    assert names_in(tmp_path / "ran") == []


async def test_configuration_and_hooks_among_its_files_are_files(origin: Origin, evil: Path, tmp_path: Path) -> None:
    config = f"[core]\nfsmonitor={evil} fsmonitor\nhooksPath=hooks\n[alias]\nfetch=!{evil} alias\n"
    files = {"_gitconfig": config, "config": config, "hooks__post-checkout": f"#!/bin/sh\n{evil} hook\n"}
    sha = origin.commit("main", **files)
    async with working_copy(origin.url, sha, parent=tmp_path) as copy:
        assert (copy / "config").read_text() == config
        assert str(evil) not in (copy / ".git" / "config").read_text()
    assert names_in(tmp_path / "ran") == []


@pytest.mark.parametrize(
    "inner", ["ext::{evil} submodule", "file://{folder}/inner", "--upload-pack={evil} option", "https://127.0.0.1:9/x"]
)
async def test_no_submodule_is_fetched(inner: str, origin: Origin, evil: Path, tmp_path: Path) -> None:
    url = inner.format(evil=evil, folder=tmp_path)
    modules = f'[submodule "inner"]\n\tpath = inner\n\turl = {url}\n\tupdate = !{evil} update\n'
    origin.commit("main", _gitmodules=modules)
    desk = tmp_path / "desk"
    git(desk, "update-index", "--add", "--cacheinfo", "160000," + "1" * 40 + ",inner")
    git(desk, "commit", "-qm", "a submodule")
    git(desk, "push", "-q", "origin", "main")
    async with working_copy(origin.url, origin.head("main") or "", parent=tmp_path) as copy:
        assert names_in(copy / "inner") == []
        assert not (copy / ".git" / "modules").exists()
    assert names_in(tmp_path / "ran") == []


@pytest.mark.parametrize(
    "url", ["ext::{evil} ext", "--upload-pack={evil} option", "fd::0", "ssh://-oProxyCommand={evil}/x"]
)
async def test_a_url_that_names_a_program_runs_none(url: str, evil: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckoutFailed, match="no repository: it takes"):
        async with working_copy(url.format(evil=evil), "0" * 40, parent=tmp_path):
            pytest.fail("that is no repository")
    assert names_in(tmp_path / "ran") == []


@pytest.mark.parametrize(
    "ref", ["--upload-pack={evil} option", "-f", "+refs/heads/*:refs/heads/*", "main:refs/heads/x"]
)
async def test_a_ref_that_poses_as_an_option_or_asks_for_more_is_none(
    ref: str, origin: Origin, evil: Path, tmp_path: Path
) -> None:
    origin.commit("main", page_md="x")
    with pytest.raises(CheckoutFailed):
        async with working_copy(origin.url, ref.format(evil=evil), parent=tmp_path):
            pytest.fail("that is no commit")
    assert names_in(tmp_path / "ran") == []


SHOW_PROTOCOLS = '#!/bin/sh\necho "$GIT_ALLOW_PROTOCOL" >> "$HOME/../protocols"\n[ "$1" = init ]\n'


@pytest.mark.parametrize(
    ("url", "allowed"), [("https://github.com/a/b.git", "https"), ("/srv/b", "file"), ("git@host:b", "ssh")]
)
async def test_git_uses_only_the_protocol_of_the_settings(
    url: str, allowed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text(SHOW_PROTOCOLS)
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(CheckoutFailed):
        async with working_copy(url, "0" * 40, parent=tmp_path):
            pytest.fail("that git fetches nothing")
    assert set((tmp_path / "protocols").read_text().split()) == {allowed}


@pytest.fixture
def served(origin: Origin, tmp_path: Path) -> str:
    """A commit in `tmp_path/root/site.git`, which is served."""
    sha = origin.commit("main", page_md="x")
    (tmp_path / "root").mkdir()
    subprocess.run(["cp", "-a", str(origin.bare), str(tmp_path / "root" / "site.git")], check=True)
    return sha


async def test_a_redirect_to_another_host_gets_no_token(
    served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with (
        git_host(tmp_path / "root", second, TOKEN) as other,
        git_host(tmp_path / "root", first, TOKEN, redirect=other.url) as asked,
    ):
        both = tmp_path / "both.pem"
        both.write_bytes(asked.certificate.read_bytes() + other.certificate.read_bytes())
        monkeypatch.setenv("GIT_SSL_CAINFO", str(both))
        with pytest.raises(CheckoutFailed):
            async with working_copy(f"{asked.url}/site.git", served, parent=tmp_path, token=TOKEN):
                pytest.fail("the repository is elsewhere")
        assert asked.seen
        assert other.seen == []
