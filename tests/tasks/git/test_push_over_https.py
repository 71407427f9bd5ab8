"""Fetches and pushes over https with a token, from and to a real git host."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from git_host import TOKEN, Host
from pushing import PUSH
from repositories import Origin, write

from tasks.git.checkout import CheckoutFailed, working_copy
from tasks.git.push import PushFailed, push_changes


async def test_the_token_opens_the_host_for_reading_and_for_pushing(origin: Origin, host: Host) -> None:
    url, sha = f"{host.url}/{origin.bare.name}", origin.head("main") or ""
    async with working_copy(url, sha, token=TOKEN) as copy:
        write(copy, docs__page_md="new")
        await push_changes(copy, PUSH, clone_url=url, sha=sha, token=TOKEN, message="update")
    assert origin.files("main") == {"docs/page.md": "new"}
    assert {is_known for _, is_known in host.seen} == {True}
    assert any("git-receive-pack" in path for path, _ in host.seen)


async def test_the_named_certificates_are_trusted_for_the_host(
    origin: Origin, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_CAINFO", "/none.pem")
    url, sha, ca_file = f"{host.url}/{origin.bare.name}", origin.head("main") or "", host.certificate
    with pytest.raises(CheckoutFailed):
        async with working_copy(url, sha, token=TOKEN):
            pytest.fail("untrusted certificate")
    async with working_copy(url, sha, token=TOKEN, ca_file=ca_file) as copy:
        write(copy, docs__page_md="new")
        await push_changes(copy, PUSH, clone_url=url, sha=sha, token=TOKEN, message="update", ca_file=ca_file)
    assert origin.files("main") == {"docs/page.md": "new"}


async def test_a_wrong_token_is_refused_without_a_password_prompt(origin: Origin, host: Host) -> None:
    url, sha = f"{host.url}/{origin.bare.name}", origin.head("main") or ""
    with pytest.raises(CheckoutFailed, match="cannot check out"):
        async with working_copy(url, sha, token="another"):
            pytest.fail("it has no right to")
    async with working_copy(url, sha, token=TOKEN) as copy:
        write(copy, docs__page_md="new")
        with pytest.raises(PushFailed, match=r"^push failed: ") as failed:
            await push_changes(copy, PUSH, clone_url=url, sha=sha, token="another", message="update")
    assert "another" not in str(failed.value)
    assert origin.files("main") == {"docs/page.md": "old"}


SHOW_GIT = """#!{python}
import os, sys
told = any("Basic " in value for value in os.environ.values())
with open("{folder}/seen", "a") as seen:
    seen.write(f"{{sys.argv[1]}} {{told}} {{'GIT_WORK_TREE' in os.environ}}\\n")
if "{token}" in " ".join(sys.argv) or "{token}" in "".join(os.environ.values()):
    sys.exit(1)
os.execv("{git}", ["git", *sys.argv[1:]])
"""


async def test_the_token_is_only_where_git_contacts_the_host_and_never_beside_the_jobs_files(
    origin: Origin, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = tmp_path / "bin" / "git"
    shown.parent.mkdir()
    shown.write_text(SHOW_GIT.format(python=sys.executable, folder=tmp_path, token=TOKEN, git=shutil.which("git")))
    shown.chmod(0o755)
    url, sha = f"{host.url}/{origin.bare.name}", origin.head("main") or ""
    origin.commit("main", src_py="theirs")
    async with working_copy(url, sha, token=TOKEN) as copy:
        write(copy, docs__page_md="new")
        monkeypatch.setenv("PATH", f"{shown.parent}:{os.environ['PATH']}")
        await push_changes(copy, PUSH, clone_url=url, sha=sha, token=TOKEN, message="update")
    seen = {tuple(line.split()) for line in (tmp_path / "seen").read_text().splitlines()}
    assert {command for command, is_told, _ in seen if is_told == "True"} == {"fetch", "ls-remote", "push"}
    assert {command for command, _, has_files in seen if has_files == "True"} >= {"read-tree", "add"}
    assert not [one for one in seen if one[1:] == ("True", "True")]
