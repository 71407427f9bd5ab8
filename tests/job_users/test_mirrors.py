"""A checkout from a local repository that belongs to another user."""

import os
from pathlib import Path

import pytest
from job_user_rig import FIRST
from repositories import commit, git, new_repository

from tasks.git.checkout import working_copy


@pytest.mark.parametrize("url", ["{}", "file://{}", "file://{}/"])
@pytest.mark.parametrize("is_bare", [True, False])
async def test_a_local_mirror_of_another_user_is_read(url: str, is_bare: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter of the test
    mirror = new_repository(tmp_path / "repository")
    sha = commit(mirror, page5_md="x")
    if is_bare:
        git(tmp_path, "clone", "-q", "--bare", "repository", "mirror.git")
        mirror = tmp_path / "mirror.git"
    for path in (mirror, *mirror.rglob("*")):
        os.chown(path, FIRST, FIRST)
    async with working_copy(url.format(mirror), sha) as copy:
        assert (copy / "page5.md").exists()
