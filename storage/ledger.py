"""Opens a ledger and provides its transactions, clock and notifications."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker
from sqlalchemy.ext.asyncio import AsyncSession as _AnySession
from sqlmodel.ext.asyncio.session import AsyncSession

from domain.delivery.notifications import Publish, ignore
from storage import after_commit
from storage.engines import UnsoundLedger, make_engine, place_of
from storage.schema import NotUpgraded, is_current, upgrade_embedded
from storage.sqlite_clock import HostClock
from storage.unavailable import LedgerUnavailable, is_unavailable

READS: dict[str, dict[str, object]] = {
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "sqlite": {"only_reads": True},
}
"""Execution options of a transaction that only reads."""


Clock: TypeAlias = Callable[[AsyncSession], Awaitable[datetime]]


async def _stay(_: AsyncSession) -> None:
    """Leave the clock as it is."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger. Times that processes compare come only from its `clock`.

    `follow` sets its clock to the host's if the two can differ and nothing is leased or in doubt. `publish` is called
    with each notification of a transaction once that is committed.
    """

    engine: AsyncEngine
    sessions: Callable[[], _AnySession]
    clock: Clock
    follow: Callable[[AsyncSession], Awaitable[None]] = field(default=_stay, kw_only=True)
    publish: Publish = field(default=ignore, kw_only=True)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises:
            LedgerUnavailable: it is locked, full, stopped or out of reach.
        """
        async with self._begun({}) as session:
            yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """One transaction that reads: a consistent snapshot that neither blocks writers nor waits for them.

        Raises:
            LedgerUnavailable: as `transaction`.
        """
        async with self._begun(READS[self.engine.dialect.name]) as session:
            yield session

    @asynccontextmanager
    async def _begun(self, options: Mapping[str, object]) -> AsyncIterator[AsyncSession]:
        try:
            async with self.sessions() as session:
                async with session.begin():
                    if options:  # connect now instead of with the first statement
                        await session.connection(execution_options=options)
                    yield session  # type: ignore[misc]  # the session maker is typed by SQLAlchemy, made with SQLModel's class
                    found = await after_commit.gathered(session) if self.publish is not ignore else []  # type: ignore[arg-type]  # the same
                for one in found:
                    self.publish(one)
        except Exception as error:
            if is_unavailable(error):
                raise LedgerUnavailable(error) from error
            raise

    @property
    def place(self) -> str:
        """Where it is, without user and password."""
        return place_of(self.engine.url)

    async def now(self) -> datetime:
        """The ledger's time, UTC."""
        async with self.transaction() as session:
            return await self.clock(session)


async def _postgresql_now(session: AsyncSession) -> datetime:
    now: datetime = (await session.exec(select(func.clock_timestamp()))).scalar_one()  # type: ignore[call-overload]  # exec is typed for SQLModel's select
    return now.astimezone(UTC)


def _own_clock(engine: AsyncEngine) -> Clock:
    return HostClock() if engine.dialect.name == "sqlite" else _postgresql_now


@asynccontextmanager
async def open_ledger(
    url: str,
    *,
    local: Collection[str] = (),
    clock: Clock | None = None,
    publish: Publish = ignore,
) -> AsyncIterator[Ledger]:
    """The ledger at *url*, ready to use. SQLite is created and upgraded here, PostgreSQL by `reportback db upgrade`.

    Args:
        url: `sqlite:////absolute/path` or `postgresql://user@host/name`.
        local: file systems to accept as local, beside the known ones.
        clock: replaces the ledger's clock.
        publish: called with each notification once its transaction is committed.

    Raises:
        UnsoundLedger: the URL names no ledger that could keep the promise.
        NotUpgraded: a PostgreSQL ledger is not at this version's schema.
        LedgerUnavailable: it cannot be opened now.
    """
    engine = make_engine(url, local=local)
    try:
        if not await _is_ready(engine):
            raise NotUpgraded
        clock = clock or _own_clock(engine)
        follow = clock.follow if isinstance(clock, HostClock) else _stay
        sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
        yield Ledger(engine, sessions, clock, follow=follow, publish=publish)
    finally:
        await engine.dispose()


async def _is_ready(engine: AsyncEngine) -> bool:
    """Whether it is at this version's schema; SQLite is upgraded to it."""
    try:
        if engine.dialect.name == "postgresql":
            return await is_current(engine)
        await upgrade_embedded(engine, Path(engine.url.database or ""))
    except Exception as error:
        if is_unavailable(error):
            raise LedgerUnavailable(error, f"the ledger cannot be opened, {place_of(engine.url)}") from error
        raise
    return True


__all__ = ["Ledger", "LedgerUnavailable", "NotUpgraded", "UnsoundLedger", "make_engine", "open_ledger"]
