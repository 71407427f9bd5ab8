"""Checkouts by git-lfs itself, from a host with a certificate of its own that asks for a token."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from external_tools import tool
from git_host import TOKEN, Host, git_host
from repositories import Origin

from domain.git.checkout import Checkout
from tasks.git.checkout import CheckoutFailed, working_copy

CONTENT = b"a picture" * 1000
OID = sha256(CONTENT).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {len(CONTENT)}\n"
ATTRIBUTES = "*.png filter=lfs diff=lfs merge=lfs -text\n"


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


@pytest.fixture
def sha(origin: Origin) -> str:
    return origin.commit("main", _gitattributes=ATTRIBUTES, docs__logo_png=POINTER)


@pytest.fixture
def host(origin: Origin, tmp_path: Path) -> Iterator[Host]:
    tool("git-lfs")
    with git_host(origin.bare.parent, tmp_path, TOKEN) as serving:
        serving.objects[OID] = CONTENT
        yield serving


async def test_files_of_git_lfs_come_from_the_host_with_the_token(host: Host, sha: str, tmp_path: Path) -> None:
    said, url = list[str](), f"{host.url}/origin.git"
    checkout = Checkout(lfs=True)
    async with working_copy(
        url, sha, token=TOKEN, parent=tmp_path, checkout=checkout, say=said.append, ca_file=host.certificate
    ) as copy:
        assert (copy / "docs" / "logo.png").read_bytes() == CONTENT
    assert said == []
    had_token = [known for path, known in host.seen if path == f"/origin.git/info/lfs/objects/{OID}"]
    assert had_token[-1]


async def test_without_it_the_file_is_a_pointer_and_the_job_says_so(host: Host, sha: str, tmp_path: Path) -> None:
    said, url = list[str](), f"{host.url}/origin.git"
    async with working_copy(url, sha, token=TOKEN, parent=tmp_path, say=said.append, ca_file=host.certificate) as copy:
        assert (copy / "docs" / "logo.png").read_text() == POINTER
    assert [line.partition(" of ")[0] for line in said] == ["docs/logo.png is a pointer"]
    assert not any("/info/lfs/" in path for path, _ in host.seen)


async def test_an_object_that_is_damaged_is_a_failed_checkout(host: Host, sha: str, tmp_path: Path) -> None:
    host.objects[OID] = b"another picture"
    with pytest.raises(CheckoutFailed):
        async with working_copy(
            f"{host.url}/origin.git", sha, token=TOKEN, parent=tmp_path, checkout=Checkout(lfs=True),
            ca_file=host.certificate,
        ):  # fmt: skip
            pass
