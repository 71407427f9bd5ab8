"""Fixtures for tests that switch users: each fails, naming the missing capability, where this process cannot."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from job_user_rig import FIRST, TOKEN, JobUserRig, open_place
from repositories import Origin
from world import World

from domain.process.job_user import Ids
from tasks.process.users import job_users


@pytest.fixture(scope="session", autouse=True)
def _may_switch() -> None:
    job_users(Ids(FIRST, FIRST + 3))


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may pass through."""
    with open_place() as made:
        yield made


@pytest.fixture
def rig(world: World, place: Path, monkeypatch: pytest.MonkeyPatch) -> JobUserRig:
    """A rig around jobs of a repository with a page and a lock file."""
    monkeypatch.setenv("PUSH", TOKEN)
    world.tokens["env:PUSH"] = TOKEN
    made = JobUserRig(world, place, Origin(place))
    made.origin.commit("main", docs__page_md="old", lock="one")
    return made
