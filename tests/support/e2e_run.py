"""A started job of an end-to-end test: reads its state, and tells it how to go on."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from processes import is_alive
from sqlmodel import col, select, update
from waiting import until

from fake_github.process import StandIn
from local.prefect_api import PrefectApi, RunState
from storage.ledger import Ledger, LedgerUnavailable
from storage.models import Job

STARTS = 90
"""Seconds to wait for a flow run to start, with many others on two cores; no promise."""

WITHOUT_WORKER: dict[str, Any] = {"parameters": {"job": "told"}, "work_queue_name": "nobody"}
"""What makes a flow run of docs-job that no worker takes on."""


@dataclass(frozen=True, slots=True)
class Run:
    """A started job. The test and the job communicate through files in `folder`."""

    id: str
    name: str
    sha: str
    context: str
    folder: Path
    github: StandIn
    prefect: PrefectApi
    ledger: Ledger

    async def statuses(self) -> list[dict[str, Any]]:
        """What GitHub holds for it, oldest first."""
        held = await self.github.statuses()
        return [one for one in held if one["sha"] == self.sha and one["context"] == self.context]

    async def states(self) -> list[str]:
        """The states of `statuses`."""
        return [one["state"] for one in await self.statuses()]

    async def shows(self, *states: str, within: float) -> None:
        """Wait until GitHub holds exactly these states."""
        seen: list[str] = []

        async def are_there() -> bool:
            seen[:] = await self.states()
            return tuple(seen) == states

        await until(are_there, within=within, what=lambda: f"{self.name} to show {states}; it shows {seen}")

    async def shows_on_top(self, state: str, *, within: float) -> None:
        """Wait until this is the newest status, with this description."""

        async def is_there() -> bool:
            held = await self.statuses()
            return bool(held) and held[-1]["state"] == state and bool(held[-1]["description"])

        await until(is_there, within=within, what=f"{self.name} to show {state}")

    async def is_at_work(self, execution: int = 1, *, within: float = STARTS) -> None:
        """Wait until its command runs for the n-th time."""

        async def has_begun() -> bool:
            return self.executions >= execution

        await until(has_begun, within=within, what=f"{self.name} to be executed for the {execution}. time")

    @property
    def executions(self) -> int:
        """How often its command has run."""
        with suppress(FileNotFoundError):
            return len((self.folder / "executions").read_text(encoding="utf-8").split())
        return 0

    def go(self, code: int = 0) -> None:
        """Let it end with *code*; each execution, until `stay`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "new").write_text(str(code), encoding="utf-8")
        (self.folder / "new").rename(self.folder / "go")

    def stay(self) -> None:
        """Have its next execution wait again."""
        (self.folder / "go").unlink()

    async def leaves_no_process(self, *, within: float = 15) -> None:
        """Wait until none of the processes that its command noted is alive."""

        async def none_is_left() -> bool:
            return not any(is_alive(int(path.stem)) for path in self.folder.glob("*.pid"))

        await until(none_is_left, within=within, what=f"the processes of {self.name} to be over")

    async def job(self) -> Job:
        """Its row in the ledger."""
        with self.ledger.transaction() as tx:
            return tx.session.exec(select(Job).where(col(Job.id) == UUID(self.id))).one()

    @asynccontextmanager
    async def suspended(self) -> AsyncIterator[None]:
        """Stop its flow's process for the block, outside of any transaction, which would lock a SQLite ledger."""
        pid = await self.pid()

        async def is_outside_a_transaction() -> bool:
            os.kill(pid, signal.SIGSTOP)
            try:
                await self.ledger.now()
            except LedgerUnavailable:
                os.kill(pid, signal.SIGCONT)
                return False
            return True

        try:
            await until(is_outside_a_transaction, within=STARTS, what=f"{self.name} to hold no lock of the ledger")
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    async def seems_elsewhere(self) -> None:
        """Record in the ledger that it runs on another machine, so that only its heartbeat is visible."""
        with self.ledger.transaction() as tx:
            this = col(Job.id) == UUID(self.id)
            tx.session.exec(update(Job).where(this).values(host="another machine"))

    async def pid(self) -> int:
        """The process that runs its flow."""
        pid = (await self.job()).pid
        assert pid is not None
        return pid

    async def state(self) -> RunState:
        """The state of its flow run."""
        return await self.prefect.state(self.id)

    async def is_over(self, *types: str, within: float) -> RunState:
        """Wait until its flow run is in one of the states *types*, such as COMPLETED; all of them end it by default."""
        seen: list[RunState] = []

        async def has_ended() -> bool:
            seen[:] = [await self.state()]
            return seen[0].type in types if types else seen[0].is_over

        await until(has_ended, within=within, what=lambda: f"{self.name} to be {types or 'over'}, not {seen}")
        return seen[0]

    async def retry(self) -> None:
        """Press Retry."""
        await self.prefect.retry(self.id)

    async def says(self, words: str, *, within: float = 30) -> None:
        """Wait until its log contains *words*."""
        log: list[str] = []

        async def has_said() -> bool:
            log[:] = await self.prefect.log(self.id)
            return any(words in line for line in log)

        await until(has_said, within=within, what=lambda: f"{self.name} to say {words!r}; it said {log[-8:]}")
