"""Fixtures: a rig around jobs of a repository, whose temporary folders are gone at the end."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from build_rig import BuildRig, build_rig
from processes import names_in
from world import World


@pytest.fixture
def database() -> str:
    return "sqlite"


@pytest.fixture
def rig(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BuildRig]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with build_rig(world, tmp_path) as made:
        yield made
    assert not [name for name in names_in(tmp_path / "tmp") if "scratch" in name]
