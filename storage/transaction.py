"""A transaction of the ledger, as the functions of this layer take it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Concatenate, ParamSpec, TypeAlias, TypeVar, cast

from sqlalchemy import CursorResult, Executable, Table
from sqlmodel import Session, SQLModel

from domain.delivery.notifications import Notification

P = ParamSpec("P")
T = TypeVar("T")
Model = TypeVar("Model", bound=SQLModel)

Clock: TypeAlias = Callable[[Session], datetime]
"""Reads the ledger's time, UTC, within a transaction."""

Row: TypeAlias = dict[str, Any]
"""A row of a table, by the names of its columns."""


@dataclass
class Transaction:
    """One transaction: its session, its time, and the actor that the history of a report names."""

    session: Session
    clock: Clock
    actor: str
    notifications: list[Notification | Row] = field(default_factory=list)
    """To publish once it is committed: see storage/after_commit.py."""

    @cached_property
    def now(self) -> datetime:
        """The ledger's time, UTC, when the transaction first asked for it."""
        return self.clock(self.session)

    def execute(self, statement: Executable, **values: Any) -> CursorResult[Any]:  # noqa: ANN401  # of any column
        """Execute a *statement* of columns, with the values of its parameters."""
        return self.session.connection().execute(statement, values)

    def one(self, _: type[Model], statement: Executable, **values: Any) -> Model:  # noqa: ANN401  # of any column
        """The one row of a *statement* of all columns: it reads like the table's model, and cannot be changed."""
        return cast("Model", self.execute(statement, **values).one())

    def one_or_none(self, _: type[Model], statement: Executable, **values: Any) -> Model | None:  # noqa: ANN401  # the same
        """`one`, or None if the *statement* returns no row."""
        return cast("Model | None", self.execute(statement, **values).one_or_none())


def table_of(model: type[SQLModel]) -> Table:
    """The table of a model, for statements of columns."""
    return SQLModel.metadata.tables[str(model.__tablename__)]


def timed(
    tx: Transaction, act: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
) -> tuple[T, datetime]:
    """The result of *act*, and the time of the transaction."""
    return act(tx, *args, **kwargs), tx.now
