"""Names of constraints, and the columns and indexes that both databases have."""

from enum import StrEnum

from sqlalchemy import BigInteger, Enum, Index, Integer, text
from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
}

BigKey = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only in an INTEGER primary key


def partial_index(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows for which *where* holds, on both databases."""
    return Index(name, *columns, unique=unique, postgresql_where=text(where), sqlite_where=text(where))


def named(kind: type[StrEnum]) -> Enum:
    """A column type that stores the values of *kind* as text, guarded by a CHECK, so that SQL can name them."""
    return Enum(
        kind, native_enum=False, length=16, create_constraint=True, name=kind.__name__.lower(),
        values_callable=lambda k: [member.value for member in k],
    )  # fmt: skip
