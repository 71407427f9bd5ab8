"""Insert once: the database's unique key decides, no read comes first."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}  # each has its own ON CONFLICT


async def insert_ignore(
    session: AsyncSession, table: type[SQLModel], key: tuple[str, ...], row: dict[str, Any]
) -> bool:
    """Insert *row* unless a row with its *key* stands already. True: it is ours; of many at once, one gets True."""
    insert = INSERT[session.get_bind().dialect.name]
    statement = insert(table).values(**row).on_conflict_do_nothing(index_elements=key)
    inserted = await session.exec(statement)
    return bool(inserted.rowcount == 1)
