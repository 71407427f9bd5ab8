"""Draining work pools while others pause, resume and fill them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.filters import FlowRunFilter, WorkerFilter, WorkPoolFilter
from prefect.client.schemas.objects import StateType
from prefect.events.filters import EventFilter
from waiting import until

from local import drain as module
from local.drain import drain, resume
from tasks.runs.workers import WORKER

POOL = "pool-7"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LONG = timedelta(hours=1)


@dataclass
class Server:
    """Its one pool, the states of what is of it, and what it was asked: as Prefect's client, as far as a drain asks."""

    is_paused: bool = False
    runs: dict[str, str] = field(default_factory=dict)
    pauses: int = 0
    looks: int = 0
    workers: list[str] = field(default_factory=lambda: ["worker"])
    taken_by: str = "worker"
    age: timedelta = timedelta(minutes=5)
    beats: bool = False
    resumed_at_look: int | None = None

    @asynccontextmanager
    async def client(self) -> AsyncIterator["Server"]:
        yield self

    async def update_work_pool(self, _: str, change: WorkPoolUpdate) -> None:
        self.is_paused = bool(change.is_paused)
        self.pauses += self.is_paused

    async def read_work_pool(self, _: str) -> SimpleNamespace:
        return SimpleNamespace(is_paused=self.is_paused)

    async def read_flow_runs(
        self,
        *,
        flow_run_filter: FlowRunFilter,
        work_pool_filter: WorkPoolFilter,  # noqa: ARG002  # there is one
    ) -> list[SimpleNamespace]:
        self.looks += 1
        if self.looks == self.resumed_at_look:
            self.is_paused = False  # a worker may ask for runs now
        assert flow_run_filter.state
        assert flow_run_filter.state.type
        asked = flow_run_filter.state.type.any_ or []
        return [self.run(name, kind) for name, kind in self.runs.items() if kind in asked]

    def run(self, name: str, kind: str) -> SimpleNamespace:
        """A flow run in its state since `age`."""
        return SimpleNamespace(
            id=name, name=name, state_name=kind.title(), state_type=StateType(kind), infrastructure_pid=None,
            state=SimpleNamespace(timestamp=NOW - self.age), work_pool_name=POOL, labels={WORKER: self.taken_by},
        )  # fmt: skip

    async def read_workers_for_work_pool(self, _: str, __: WorkerFilter, *, limit: int) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name) for name in self.workers[:limit]]  # those that are gone are not there

    async def request(self, method: str, path: str) -> SimpleNamespace:
        assert (method, path) == ("GET", "/health")
        return SimpleNamespace(headers={"Date": format_datetime(NOW, usegmt=True)})

    async def read_events(self, _: EventFilter, *, limit: int) -> SimpleNamespace:
        return SimpleNamespace(events=["a heartbeat"][:limit] if self.beats else [])


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(module, "prefect_server", made.client)
    monkeypatch.setattr(module, "POLL_EVERY", timedelta(seconds=0.01))
    return made


async def test_a_pool_resumed_while_it_is_drained_is_paused_again(server: Server) -> None:
    server.runs["long"] = "RUNNING"
    draining = asyncio.create_task(drain(POOL, timeout=LONG))
    await has_been_paused(server, 1)
    await resume(POOL)  # as the unit of another worker does, when that one starts or has ended
    await has_been_paused(server, 2)
    server.runs.clear()
    assert await draining == 0
    assert server.is_paused


async def test_a_drain_leaves_a_pool_alone_that_stays_paused(server: Server) -> None:
    assert await drain(POOL, timeout=LONG) == 0
    assert server.pauses == 1


async def test_empty_polls_count_from_the_last_pause(server: Server) -> None:
    server.resumed_at_look = module.STILL - 1
    assert await drain(POOL, timeout=LONG) == 0
    assert server.is_paused
    assert server.looks == 2 * module.STILL - 1


@pytest.mark.parametrize("kind", ["PENDING", "RUNNING", "CANCELLING", "PAUSED"])
async def test_a_run_that_may_have_a_process_is_waited_for(
    server: Server, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.runs["under-way"] = kind
    assert await drain(POOL, timeout=timedelta(seconds=0.2)) == 1
    assert f"still running: under-way ({kind.title()})" in capsys.readouterr().out


async def has_been_paused(server: Server, times: int) -> None:
    await until(lambda: server.pauses == times)


async def test_the_name_of_a_flow_run_moves_no_terminal(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.runs["\x1b[2J[red]a\u202e\x9b1m job"] = "RUNNING"
    assert await drain(POOL, timeout=timedelta(seconds=0.1)) == 1
    assert "still running: [red]a job (Running)." in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["PENDING", "RUNNING", "CANCELLING"])
async def test_a_run_that_cannot_go_on_is_named_and_not_waited_for(
    server: Server, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    server.runs["dead"] = kind
    server.taken_by, server.age = "a dead one", timedelta(minutes=11)
    assert await drain(POOL, timeout=LONG) == 0
    said = capsys.readouterr().out
    assert said.count(f"not waited for: dead ({kind.title()}): its worker is gone") == 1
    assert "Paused, and nothing runs" in said


@pytest.mark.parametrize("beats", [True, False])
async def test_a_running_run_of_a_dead_worker_is_waited_for_while_it_may_live(server: Server, *, beats: bool) -> None:
    server.runs["orphan"] = "RUNNING"
    server.taken_by, server.beats = "a dead one", beats
    server.age = timedelta(minutes=11) if beats else timedelta(minutes=9)
    assert await drain(POOL, timeout=timedelta(seconds=0.2)) == 1


async def test_a_run_that_nothing_has_started_for_ten_minutes_is_not_waited_for(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.runs["stuck"] = "PENDING"
    server.age = timedelta(minutes=11)
    assert await drain(POOL, timeout=LONG) == 0
    assert "not waited for: stuck (Pending): it did not start within 10 minutes" in capsys.readouterr().out
