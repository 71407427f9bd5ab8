"""Runs jobs without Prefect and records what their callbacks are called with."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from ledger_jobs import accept, order
from processes import FAMILY, is_alive, pids_in
from sqlmodel import col, select
from steps import parts
from waiting import until
from world import World

from domain.jobs.execution import Order
from domain.jobs.job_states import JobState
from domain.jobs.job_type import JobType
from domain.output.progress import Progress
from storage.ledger import Ledger, LedgerUnavailable
from storage.models import Job, StatusReport
from storage.transaction import Transaction
from tasks.delivery.reporter import Reporter
from tasks.jobs.execution_spec import EndedExecution, Work
from tasks.jobs.run_execution import Callbacks, carry_out


@dataclass
class Executions:
    """Executions in a world; what their callbacks got, and what `why_cancelled` says."""

    world: World
    lines: list[str] = field(default_factory=list)
    waited_for: list[list[UUID]] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    why_cancelled: str = ""

    async def accept(self, command: str | Sequence[str], asked: Order | None = None, **fields: object) -> Work:
        """Accept a job of this script, or command. *fields*: others of its job type."""
        argv = ["sh", "-ec", command] if isinstance(command, str) else list(command)
        job_type = JobType.model_validate({"name": "sphinx", "command": argv, **fields})
        asked = asked or order()
        return Work(await accept(self.world.ledger, asked), asked, job_type, None)

    async def carry_out(
        self, work: Work, *, by: Reporter | None = None, **callbacks: Callable[..., Any]
    ) -> EndedExecution | None:
        """Carry out *work*. *callbacks*: those that are not this object's own."""
        own = Callbacks(self.lines.append, self._on_wait, self._why_cancelled, self.progress.append)
        return await carry_out(by or self.world.reporter, work, replace(own, **callbacks))

    def start(
        self, work: Work, *, by: Reporter | None = None, **callbacks: Callable[..., Any]
    ) -> asyncio.Task[EndedExecution | None]:
        return asyncio.create_task(self.carry_out(work, by=by, **callbacks))

    async def run(self, command: str | Sequence[str], asked: Order | None = None, **fields: object) -> EndedExecution:
        """Accept a job and carry it out to its end."""
        return ended_of(await self.carry_out(await self.accept(command, asked, **fields)))

    async def start_family(self, folder: Path) -> tuple[Work, asyncio.Task[EndedExecution | None]]:
        """Start a job of three processes, which note themselves in *folder* and stay."""
        work = await self.accept((sys.executable, "-c", FAMILY, str(folder)))
        running = self.start(work)
        await until(lambda: len(pids_in(folder)) == 3)
        return work, running

    async def job(self, work: Work) -> Job:
        with self.world.ledger.transaction() as tx:
            return tx.session.exec(select(Job).where(Job.id == work.execution.job_id)).one()

    async def until_it_is(self, work: Work, state: JobState) -> None:
        async def is_so() -> bool:
            return (await self.job(work)).state is state

        await until(is_so, what=f"a job that is {state}")

    async def reports(self) -> list[tuple[str, str]]:
        """The state and description of each report, in the order of their ids."""
        with self.world.ledger.transaction() as tx:
            found = tx.session.exec(select(StatusReport).order_by(col(StatusReport.id)))
            return [(one.state.value, one.description) for one in found]

    async def _on_wait(self, ahead: Sequence[UUID]) -> None:
        self.waited_for.append(list(ahead))

    async def _why_cancelled(self) -> str:
        return self.why_cancelled


def ended_of(result: EndedExecution | None) -> EndedExecution:
    """The end of an execution that no other process took over."""
    assert result is not None
    return result


def assert_no_process_is_left(folder: Path) -> None:
    """Check that none of the processes that noted themselves in *folder* is alive."""
    assert not any(map(is_alive, pids_in(folder)))


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _OvertakenLedger(Ledger):
    first: Callable[[], Awaitable[None]]

    async def _run(self, act: Callable[[Transaction], T], *, only_reads: bool = False) -> T:
        await self.first()
        return await Ledger._run(self, act, only_reads=only_reads)


def overtaken(own: Ledger, first: Callable[[], Awaitable[None]]) -> Ledger:
    """A connection to *own* that awaits *first* before each transaction."""
    return _OvertakenLedger(*parts(own), first, actor=own.actor)


@dataclass(slots=True)
class CutOff:
    """A reporter's connection to its ledger, which fails while it is down; others can use the ledger meanwhile."""

    is_down: bool = False

    async def check(self) -> None:
        if self.is_down:
            raise LedgerUnavailable(OSError("connection refused"))

    def reporter(self, world: World) -> Reporter:
        return replace(world.reporter, ledger=overtaken(world.ledger, self.check))
