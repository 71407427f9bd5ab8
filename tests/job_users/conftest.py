"""Fixtures for tests that switch users: each fails, naming the missing capability, where this process cannot."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from build_rig import BuildRig, build_rig
from job_user_rig import FIRST, USERS, open_place
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
def rig(world: World, place: Path) -> Iterator[BuildRig]:
    """A rig whose jobs run as job users."""
    with build_rig(world, place, USERS) as made:
        yield made
