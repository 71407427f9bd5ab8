"""Fixtures: a repository, a commit of it, its working copy, and a host that serves it over https."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from git_host import TOKEN, Host, git_host
from pushing import BRANCH, LINES
from repositories import Origin

from tasks.git import remote
from tasks.git.checkout import working_copy


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path)


@pytest.fixture
def sha(origin: Origin) -> str:
    return origin.commit(BRANCH, docs__page_md=LINES, docs__old_md="old", src_py="source")


@pytest.fixture
async def copy(origin: Origin, sha: str, tmp_path: Path) -> AsyncIterator[Path]:
    """The working copy of the job's commit."""
    async with working_copy(origin.url, sha, parent=tmp_path) as folder:
        yield folder


@pytest.fixture
def host(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Serves `origin`, which has one page, to those that have `TOKEN`; tries again at once."""
    origin.commit("main", docs__page_md="old")
    monkeypatch.setattr(remote, "FIRST_WAIT", timedelta(milliseconds=10))
    with git_host(origin.bare.parent, tmp_path, TOKEN) as serving:
        monkeypatch.setenv("GIT_SSL_CAINFO", str(serving.certificate))
        yield serving
