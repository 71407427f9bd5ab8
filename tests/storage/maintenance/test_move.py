"""Moves a ledger between SQLite and PostgreSQL as a whole; only one of the two is ever used to report."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest
from first_ledger import connected, upgraded
from ledger_jobs import order, run_job
from log_lines import nothing_logged
from moving import at, id_of, moved, rows
from sqlalchemy import Engine, event, select
from sqlalchemy.exc import DBAPIError
from steps import Died
from world import Clock, world_on

from storage.ledger import NotUpgraded, make_engine, open_ledger
from storage.maintenance import copy_rows
from storage.maintenance import move as moving
from storage.maintenance.move import CannotMove, move
from storage.models import HostAnchor
from storage.schema import MovedLedger
from tasks.delivery.deliver_due import deliver_due


async def test_every_row_and_the_ledgers_id_come_along(source: str, other_empty_url: str, clock: Clock) -> None:
    before = rows(source)
    assert all(before.values())
    heard: list[int] = []
    number = move(
        source, other_empty_url, time=at(clock), on_begin=heard.append, on_rows=lambda more: heard.append(-more)
    )
    assert rows(other_empty_url) == before == rows(source)
    assert number == sum(map(len, before.values()))
    assert (heard[0], sum(heard)) == (2 * number, 0)
    assert await id_of(other_empty_url) == before["ledger"][0].id


async def test_more_rows_than_a_batch_come_along_in_the_order_of_either_database(
    source: str, other_empty_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys of text are ordered by locale in PostgreSQL, by byte in SQLite."""
    monkeypatch.setattr(copy_rows, "BATCH", 3)
    with connected(source) as connection:
        for name in ("B", "a", "_", "ä", "Z", "z-"):
            connection.exec_driver_sql(f"INSERT INTO credential (name) VALUES ('{name}')")  # noqa: S608  # names of ours
    before = rows(source)
    moved(source, other_empty_url, clock)
    assert rows(other_empty_url) == before


async def test_work_goes_on_in_the_new_ledger(source: str, other_empty_url: str, clock: Clock) -> None:
    """What was due is delivered, and new rows get keys of their own."""
    moved(source, other_empty_url, clock)
    async with open_ledger(other_empty_url, clock=clock.of_ledger) as ledger, world_on(ledger, clock) as world:
        await run_job(ledger, order("docs/new"))
        with nothing_logged():
            await deliver_due(world.reporter, UUID(int=7), budget=timedelta(seconds=50), senders=2)
        assert [world.held(context) for context in ("docs/new", "docs/due")] == [["success"], ["failure"]]


async def test_the_old_ledger_cannot_be_opened(source: str, other_empty_url: str, clock: Clock) -> None:
    moved(source, other_empty_url, clock)
    with pytest.raises(MovedLedger, match=r"was moved to .*: name that one"):
        async with open_ledger(source):
            pytest.fail("it was opened")
    with pytest.raises(MovedLedger):
        upgraded(source)


async def test_an_open_connection_to_the_old_ledger_can_write_no_more(
    source: str, other_empty_url: str, clock: Clock
) -> None:
    async with open_ledger(source, clock=clock.of_ledger) as ledger, world_on(ledger, clock) as world:
        moved(source, other_empty_url, clock)
        before = rows(source)
        with pytest.raises(DBAPIError, match="this ledger was moved elsewhere"):
            await run_job(ledger, order())
        with pytest.raises(DBAPIError, match="this ledger was moved elsewhere"):
            await world.deliver("docs/due")
        assert rows(source) == before
        assert world.held("docs/due") == []


async def test_a_ledger_moves_back_to_a_new_place_only(
    source: str, other_empty_url: str, clock: Clock, tmp_path: Path
) -> None:
    before = rows(source)
    moved(source, other_empty_url, clock)
    with pytest.raises(CannotMove, match="holds tables already"):
        moved(other_empty_url, source, clock)
    moved(other_empty_url, back := f"sqlite:///{tmp_path / 'back.db'}", clock)
    assert rows(back) == before
    with pytest.raises(MovedLedger):
        await id_of(other_empty_url)


async def test_a_new_ledger_becomes_the_one_that_moves_in(source: str, other_empty_url: str, clock: Clock) -> None:
    upgraded(other_empty_url)
    before = rows(source)
    moved(source, other_empty_url, clock)
    assert rows(other_empty_url) == before


async def test_the_time_of_a_ledger_is_that_of_its_rows(fresh_url: str) -> None:
    with connected(fresh_url) as connection:
        first, second = [moving.ledger_time(connection) for _ in range(2)]
    assert first.tzinfo is not None
    assert timedelta(0) < second - first < timedelta(seconds=5)


@pytest.mark.parametrize("database", ["sqlite"])
async def test_the_clock_of_a_host_stays_with_it(source: str, other_empty_url: str, clock: Clock) -> None:
    """A host that takes the ledger back, in the same boot, ties it to its clock anew."""
    async with open_ledger(source, clock=clock.of_ledger) as ledger:
        with ledger.transaction() as tx:
            tx.session.add(HostAnchor(boot="a boot", booted_at=clock.now))
    moved(source, other_empty_url, clock)
    with connected(other_empty_url) as connection:
        assert connection.execute(select(HostAnchor)).all() == []


EFFECTS = (
    "DELETE FROM ledger",
    "INSERT INTO job",
    "INSERT INTO report_event",
    "CREATE TABLE moved",
    "UPDATE alembic_version",
)


@contextmanager
def crashing(number: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The moving process dies before effect *number*: a statement of `EFFECTS`, or a commit to either ledger."""
    left = [number]

    def effect(*_: object) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Died

    def statement(_: object, __: object, words: str, *___: object) -> None:
        if words.lstrip().startswith(EFFECTS):
            effect()

    def made(url: str, *, local: Collection[str], takes_long: bool, given_as: str) -> Engine:
        engine = make_engine(url, local=local, takes_long=takes_long, given_as=given_as)
        event.listen(engine, "before_cursor_execute", statement)
        event.listen(engine, "commit", effect)
        return engine

    with monkeypatch.context() as patched:
        patched.setattr(moving, "make_engine", made)
        yield


async def is_open(url: str, identity: UUID) -> bool:
    """Whether this ledger can be written to."""
    try:
        return await id_of(url) == identity
    except NotUpgraded:
        return False


async def test_a_crash_anywhere_leaves_one_ledger_and_moving_again_ends_it(
    source: str, other_empty_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source, until it is marked; then none until it is moved again; then the destination."""
    identity, before = await id_of(source), rows(source)
    upgraded(other_empty_url)
    found: list[tuple[bool, bool]] = []
    for number in count():
        with crashing(number, monkeypatch):
            try:
                moved(source, other_empty_url, clock)
            except Died:
                found.append((await is_open(source, identity), await is_open(other_empty_url, identity)))
            else:
                break
    ends = (await is_open(source, identity), await is_open(other_empty_url, identity))
    assert found == sorted(found, reverse=True)
    assert set(found) == {(True, False), (False, False)}
    assert len(found) >= len(EFFECTS) + 2
    assert ends == (False, True)
    assert rows(other_empty_url) == before
