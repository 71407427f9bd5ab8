"""The identity of a ledger."""

import shutil
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from storage.identity import ledger_id
from storage.ledger import make_engine, open_ledger
from storage.schema import upgrade


def upgraded(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    engine.dispose()


async def id_of(url: str) -> UUID:
    async with open_ledger(url) as ledger:
        return await ledger.read(ledger_id)


async def test_a_ledger_keeps_its_id_whatever_is_upgraded_again(empty_url: str) -> None:
    upgraded(empty_url)
    first = await id_of(empty_url)
    upgraded(empty_url)
    assert await id_of(empty_url) == first


@pytest.mark.parametrize("database", ["sqlite"])
async def test_two_ledgers_have_two_ids_and_a_copy_has_that_of_its_original(tmp_path: Path, fresh_url: str) -> None:
    assert await id_of(f"sqlite:///{tmp_path / 'another.db'}") != await id_of(fresh_url)
    shutil.copy(fresh_url.removeprefix("sqlite:///"), tmp_path / "copy.db")
    assert await id_of(f"sqlite:///{tmp_path / 'copy.db'}") == await id_of(fresh_url)


@pytest.mark.parametrize(("number", "rule"), [(1, r"pk_ledger|UNIQUE"), (2, "only_one")])
async def test_a_ledger_has_one_id_only(fresh_url: str, number: int, rule: str) -> None:
    engine = make_engine(fresh_url)
    with pytest.raises(IntegrityError, match=rule), engine.begin() as connection:  # noqa: PT012  # the block is the transaction
        statement = text("INSERT INTO ledger (number, id) VALUES (:number, :id)")
        connection.execute(statement, {"number": number, "id": uuid4().hex})
    engine.dispose()
