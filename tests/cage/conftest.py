"""The cage. Its tests switch users: where they may not, they are not collected, and pytest's header says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cages import TOKEN, Cage, may_switch, open_place
from repositories import Origin
from world import World

collect_ignore_glob = [] if may_switch() else ["test_*.py"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may pass through."""
    with open_place() as made:
        yield made


@pytest.fixture
def cage(world: World, place: Path, monkeypatch: pytest.MonkeyPatch) -> Cage:
    """A cage around jobs of a repository with a page and a lock file."""
    monkeypatch.setenv("PUSH", TOKEN)
    world.tokens["env:PUSH"] = TOKEN
    made = Cage(world, place, Origin(place))
    made.origin.commit("main", docs__page_md="old", lock="one")
    return made
