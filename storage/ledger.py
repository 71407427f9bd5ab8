"""Opens a ledger: the one door to its transactions, its clock and its notifications."""

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, func, select
from sqlmodel import Session

from domain.delivery.notifications import Notification, Publish, ignore
from storage import after_commit
from storage.engines import UnsoundLedger, make_engine, place_of
from storage.schema import NotUpgraded, is_current, upgrade_embedded
from storage.sqlite_clock import HostClock
from storage.threads import Threads
from storage.transaction import Clock, Transaction
from storage.unavailable import LedgerUnavailable, is_unavailable

P = ParamSpec("P")
T = TypeVar("T")

READS: dict[str, dict[str, object]] = {
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
    "sqlite": {"only_reads": True},
}
"""Execution options of a transaction that only reads."""


def _stay(_: Transaction) -> None:
    """Leave the clock as it is."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger. Times that processes compare come only from its `clock`.

    `actor` appears in the history of the reports that its transactions change. `follow` sets its clock to the host's if
    the two can differ and nothing is leased or in doubt. `publish` is called with each notification of a transaction
    once that is committed.
    """

    engine: Engine
    clock: Clock
    threads: Threads
    actor: str = field(default="reportback", kw_only=True)
    follow: Callable[[Transaction], None] = field(default=_stay, kw_only=True)
    publish: Publish = field(default=ignore, kw_only=True)

    async def write(self, act: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of *act* in one transaction: committed when it returns, rolled back when it raises.

        A caller that is cancelled meanwhile waits for the end of the transaction, and is cancelled then.

        Raises:
            LedgerUnavailable: it is locked, full, stopped or out of reach.
        """
        return await self._run(lambda tx: act(tx, *args, **kwargs))

    async def read(self, ask: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of *ask* in one transaction that only reads: a consistent snapshot.

        It neither blocks writers nor waits for them.

        Raises:
            LedgerUnavailable: as `write`.
        """
        return await self._run(lambda tx: ask(tx, *args, **kwargs), only_reads=True)

    async def now(self) -> datetime:
        """The ledger's time, UTC."""
        return await self.write(lambda tx: tx.now)

    async def _run(self, act: Callable[[Transaction], T], *, only_reads: bool = False) -> T:
        committed: list[Notification] = []

        def transact() -> T:
            with self.transaction(only_reads=only_reads) as tx:
                result = act(tx)
                notifications = after_commit.gathered(tx) if self.publish is not ignore else []
            committed.extend(notifications)
            return result

        try:
            return await self.threads.run(transact, only_reads=only_reads)
        finally:  # also for a caller that was cancelled meanwhile
            for one in committed:
                self.publish(one)

    @contextmanager
    def transaction(self, *, only_reads: bool = False) -> Iterator[Transaction]:
        """One transaction in this thread, which waits for the database: see `write` and `read`."""
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                options = READS[self.engine.dialect.name] if only_reads else {}
                session.connection(execution_options=options)  # connect now, not with the first statement
                tx = Transaction(session, self.clock, self.actor)
                if self.engine.dialect.name == "sqlite" and not only_reads:
                    _ = tx.now  # under the lock, and first: a host's clock may move leases that are read after it
                yield tx
        except Exception as error:
            if is_unavailable(error):
                raise LedgerUnavailable(error) from error
            raise

    @property
    def place(self) -> str:
        """Where it is, without user and password."""
        return place_of(self.engine.url)


def _postgresql_now(session: Session) -> datetime:
    now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def _own_clock(engine: Engine) -> Clock:
    return HostClock() if engine.dialect.name == "sqlite" else _postgresql_now


@asynccontextmanager
async def open_ledger(
    url: str,
    *,
    local: Collection[str] = (),
    actor: str = "reportback",
    clock: Clock | None = None,
    publish: Publish = ignore,
) -> AsyncIterator[Ledger]:
    """The ledger at *url*, ready to use. SQLite is created and upgraded here, PostgreSQL by `reportback db upgrade`.

    Args:
        url: `sqlite:////absolute/path` or `postgresql://user@host/name`.
        local: file systems to accept as local, beside the known ones.
        actor: who changes reports through it: "task …", "reconciliation", or a person.
        clock: replaces the ledger's clock.
        publish: called with each notification once its transaction is committed.

    Raises:
        UnsoundLedger: the URL names no ledger that could keep the promise.
        NotUpgraded: a PostgreSQL ledger is not at this version's schema.
        LedgerUnavailable: it cannot be opened now.
    """
    engine = make_engine(url, local=local)
    threads = Threads(engine)
    try:
        if not await threads.run(partial(_is_ready, engine)):
            raise NotUpgraded
        clock = clock or _own_clock(engine)
        follow = clock.follow if isinstance(clock, HostClock) else _stay
        yield Ledger(engine, clock, threads, actor=actor, follow=follow, publish=publish)
    finally:
        threads.end()
        engine.dispose()


def _is_ready(engine: Engine) -> bool:
    """Whether it is at this version's schema; SQLite is upgraded to it."""
    try:
        if engine.dialect.name == "postgresql":
            return is_current(engine)
        upgrade_embedded(engine, Path(engine.url.database or ""))
    except Exception as error:
        if is_unavailable(error):
            raise LedgerUnavailable(error, f"the ledger cannot be opened, {place_of(engine.url)}") from error
        raise
    return True


__all__ = [
    "Clock",
    "Ledger",
    "LedgerUnavailable",
    "NotUpgraded",
    "Transaction",
    "UnsoundLedger",
    "make_engine",
    "open_ledger",
]
