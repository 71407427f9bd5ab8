"""Refuses to move a ledger that is in use, or to a place that is not free; nothing is changed then."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from first_ledger import connected, make_first, upgraded
from moving import LATER, id_of, moved, rows
from sqlalchemy import Connection
from world import Clock

from storage.ledger import LedgerUnavailable, NotUpgraded
from storage.maintenance import copy_rows
from storage.maintenance.move import CannotMove, move

ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"])


@pytest.mark.parametrize(
    ("later", "words"),
    [(0, "jobs are at work: let them end with `reportback drain`"), (40, "2 reports are being sent")],
)
async def test_nothing_moves_while_the_ledger_is_in_use(
    source: str, other_empty_url: str, clock: Clock, later: int, words: str
) -> None:
    clock.advance(later - LATER)
    if later:
        with connected(source) as connection:
            connection.exec_driver_sql(
                "UPDATE status_target SET lease_expires_at = '2026-11-23 12:00:41+00:00' WHERE lease IS NOT NULL"
            )
    before = rows(source)
    with pytest.raises(CannotMove, match=words):
        moved(source, other_empty_url, clock)
    assert rows(source) == before
    await id_of(source)


async def test_a_destination_that_holds_anything_is_left_alone(source: str, other_empty_url: str, clock: Clock) -> None:
    upgraded(other_empty_url)
    with connected(other_empty_url) as connection:
        connection.exec_driver_sql("INSERT INTO credential (name) VALUES ('env:TOKEN')")
    with pytest.raises(CannotMove, match="holds a ledger that is in use"):
        moved(source, other_empty_url, clock)
    await id_of(source)


async def test_a_destination_with_foreign_tables_is_left_alone(source: str, other_empty_url: str, clock: Clock) -> None:
    with connected(other_empty_url) as connection:
        connection.exec_driver_sql("CREATE TABLE flow_run (id INTEGER)")
    with pytest.raises(CannotMove, match="and not those of a new ledger"):
        moved(source, other_empty_url, clock)


async def test_clocks_that_differ_are_to_be_set_first(source: str, other_empty_url: str, clock: Clock) -> None:
    def time(_: object) -> datetime:
        clock.advance(6)
        return clock.now

    with pytest.raises(CannotMove, match="clocks of the two databases are 6 s apart"):
        move(source, other_empty_url, time=time)


async def test_a_ledger_does_not_move_onto_itself(source: str) -> None:
    with pytest.raises(CannotMove, match="is where the ledger is"):
        move(source, source)


async def test_an_old_ledger_is_upgraded_first(empty_url: str, other_empty_url: str, clock: Clock) -> None:
    make_first(empty_url)
    clock.advance(LATER)
    with pytest.raises(NotUpgraded, match="run: reportback db upgrade"):
        moved(empty_url, other_empty_url, clock)


async def test_a_copy_that_differs_is_undone(
    source: str, other_empty_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:

    def copy_badly(here: Connection, there: Connection, **heard: Callable[[int], None]) -> None:
        copy(here, there, **heard)
        there.exec_driver_sql("UPDATE report_event SET note = 'x' WHERE id = 16")

    copy = copy_rows.copy
    monkeypatch.setattr(copy_rows, "copy", copy_badly)
    with pytest.raises(CannotMove, match="differs from it in table report_event"):
        moved(source, other_empty_url, clock)
    await id_of(source)


@pytest.mark.parametrize("sql", ["DELETE FROM report_event WHERE id = 16", "DELETE FROM report_event"])
async def test_a_copy_that_lacks_rows_differs(source: str, other_empty_url: str, clock: Clock, sql: str) -> None:
    moved(source, other_empty_url, clock)
    with connected(source) as here, connected(other_empty_url) as there:
        assert copy_rows.differing(here, there, on_rows=lambda _: None) is None
        there.exec_driver_sql(sql)
        assert copy_rows.differing(here, there, on_rows=lambda _: None) == "report_event"
        assert copy_rows.differing(there, here, on_rows=lambda _: None) == "report_event"


async def test_moving_again_changes_nothing_and_moving_elsewhere_is_refused(
    source: str, other_empty_url: str, clock: Clock, tmp_path: Path
) -> None:
    assert moved(source, other_empty_url, clock)
    before = rows(other_empty_url)
    assert moved(source, other_empty_url, clock) is None
    assert rows(other_empty_url) == before
    with pytest.raises(CannotMove, match=r"was moved to .* before, so not to"):
        moved(source, f"sqlite:///{tmp_path / 'third.db'}", clock)


@ON_POSTGRESQL
async def test_a_server_that_cannot_be_reached_moves_nothing(source: str, clock: Clock) -> None:
    with pytest.raises(LedgerUnavailable, match="run the same again"):
        moved(source, "postgresql://nobody@127.0.0.1:9/ledger", clock)
    await id_of(source)
