"""`reportback db move`: moves the ledger to another database."""

from pathlib import Path

import pytest
from shell import Shell, recorded
from world import World

from console.ledger import move_ledger
from console.list import list_reports
from storage.schema import MovedLedger


async def listed() -> int:
    return await list_reports(limit=10, fails_if_any=True)


async def test_the_ledger_moves_and_the_new_setting_is_printed(
    world: World, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    await recorded(world, "docs/sphinx")
    new = tmp_path / "new.db"
    assert move_ledger(to=f"sqlite:///{new}") == 0
    assert f"Moved 10 rows. Set REPORTBACK_DATABASE_URL to {new} wherever it is set" in shell.said()
    with pytest.raises(MovedLedger):
        await listed()
    monkeypatch.setenv("REPORTBACK_DATABASE_URL", f"sqlite:///{new}")
    assert await listed() == 1


async def test_a_second_move_says_that_it_is_done(world: World, shell: Shell, tmp_path: Path) -> None:
    await recorded(world, "docs/sphinx")
    for words in ("Moved 10 rows. Set", "The ledger had been moved there before. Set"):
        assert move_ledger(to=f"sqlite:///{tmp_path}/new.db") == 0
        assert words in shell.said()


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("postgresql://ada:hunter2@127.0.0.1:9/ledger", "--to must hold no password"),
        ("://ada:hunter2", "--to is no URL"),
        ("sqlite:///new.db", "--to: 'new.db' is relative"),
        ("mysql://localhost/ledger", "--to: mysql is no ledger"),
    ],
)
async def test_a_place_that_is_none_is_refused_and_no_password_shown(shell: Shell, to: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        move_ledger(to=to)
    assert "hunter2" not in f"{refused.value}{shell.said()}"
