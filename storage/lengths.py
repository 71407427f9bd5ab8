"""Lengths of time, reckoned by the database."""

from typing import Any

from sqlalchemy import ColumnElement, Float, cast, extract
from sqlmodel import func
from sqlmodel.ext.asyncio.session import AsyncSession


def sql_seconds(session: AsyncSession, since: Any, until: Any) -> ColumnElement[float]:  # noqa: ANN401  # columns and literals
    """The seconds between two times; SQLite reckons in milliseconds."""
    if session.get_bind().dialect.name == "sqlite":
        return func.round((func.julianday(until) - func.julianday(since)) * 86400.0, 3)
    return cast(extract("epoch", until - since), Float)
