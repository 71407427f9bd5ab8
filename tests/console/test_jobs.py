"""`reportback jobs retry`: which jobs are chosen, and what Prefect's server is asked for."""

import io
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from ledger_jobs import ME, order, run_job
from prefect.client.schemas.objects import State, StateType
from prefect.client.schemas.responses import SetStateStatus, StateAbortDetails
from prefect.exceptions import ObjectNotFound
from shell import Shell
from world import World

from console import jobs as module
from console.arguments import JobFilter
from console.jobs import retry_jobs
from domain.delivery.budget import BULK_SIZE
from domain.jobs.job_states import JobState

EVERY_LOST = JobFilter(state=(JobState.LOST,))


@dataclass
class Server:
    """Flow runs by id with their state, and those that were retried: Prefect's client, as far as the command asks."""

    states: dict[UUID, StateType] = field(default_factory=dict)
    retried: list[UUID] = field(default_factory=list)
    refuses: bool = False

    @asynccontextmanager
    async def client(self) -> AsyncIterator["Server"]:
        yield self

    async def read_flow_run(self, run_id: UUID) -> SimpleNamespace:
        if run_id not in self.states:
            raise ObjectNotFound(Exception("404"))
        state: State[Any] = State(type=self.states[run_id])
        return SimpleNamespace(state=state, state_name=state.name)

    async def set_flow_run_state(self, run_id: UUID, state: State[Any]) -> SimpleNamespace:
        if self.refuses:
            return SimpleNamespace(status=SetStateStatus.ABORT, details=StateAbortDetails(reason="not now"))
        assert (state.type, state.name) == (StateType.SCHEDULED, "AwaitingRetry")  # as the UI's Retry sets it
        self.retried.append(run_id)
        self.states[run_id] = StateType.SCHEDULED
        return SimpleNamespace(status=SetStateStatus.ACCEPT)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, shell: Shell) -> Server:  # noqa: ARG001  # its settings come first
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    made = Server()
    monkeypatch.setattr(module, "prefect_server", made.client)
    return made


async def ended(world: World, server: Server, state: JobState, context: str | None = None) -> UUID:
    """A job that ended in *state*, on a commit and context of its own unless *context* is given; its flow run's id."""
    asked = order(context or f"docs/{uuid4()}")
    await run_job(world.ledger, asked, state)
    server.states[asked.flow_run_id] = StateType.CRASHED
    return asked.flow_run_id


async def test_jobs_that_were_lost_are_retried_and_no_others(world: World, server: Server, shell: Shell) -> None:
    lost = [await ended(world, server, JobState.LOST) for _ in range(2)]
    for state in (JobState.FAILED, JobState.SUCCEEDED):
        await ended(world, server, state)
    assert await retry_jobs(asked=EVERY_LOST) == 0
    assert server.retried == lost
    assert shell.said() == "2 retried: a worker takes them."


@pytest.mark.parametrize(
    ("since", "until", "count"),
    [(timedelta(hours=3), None, 2), (None, timedelta(hours=3), 0), (timedelta(minutes=100), None, 1)],
)
async def test_jobs_are_chosen_by_when_they_ended(
    world: World, server: Server, since: timedelta | None, until: timedelta | None, count: int
) -> None:
    await ended(world, server, JobState.LOST)  # two hours ago
    world.clock.advance(3600)
    await ended(world, server, JobState.LOST)
    await retry_jobs(asked=JobFilter(since=since, until=until))
    assert len(server.retried) == count


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (JobFilter(machine=ME.host), 1), (JobFilter(machine="other"), 0),
        (JobFilter(job_type="sphinx"), 1), (JobFilter(job_type="mkdocs"), 0),
        (JobFilter(repository="ACME/site"), 1), (JobFilter(repository="acme/other"), 0),
    ],
)  # fmt: skip
async def test_jobs_are_chosen_by_machine_type_and_repository(
    world: World, server: Server, asked: JobFilter, count: int
) -> None:
    await ended(world, server, JobState.LOST)
    await retry_jobs(asked=asked)
    assert len(server.retried) == count


async def test_a_job_with_a_later_one_on_its_commit_is_left_alone_unless_it_is_named(
    world: World, server: Server, shell: Shell
) -> None:
    early = await ended(world, server, JobState.LOST, "docs/sphinx")
    await ended(world, server, JobState.SUCCEEDED, "docs/sphinx")
    assert await retry_jobs(asked=EVERY_LOST) == 0
    assert server.retried == []
    assert "1 left alone: a later job was accepted for their commit and context" in shell.heard()[1]
    assert await retry_jobs(early) == 0
    assert server.retried == [early]


@pytest.mark.parametrize("state", [StateType.RUNNING, StateType.PENDING, StateType.SCHEDULED, StateType.CANCELLING])
async def test_a_flow_run_that_has_not_ended_in_prefect_is_left_alone(
    world: World, server: Server, shell: Shell, state: StateType
) -> None:
    server.states[await ended(world, server, JobState.LOST)] = state
    assert await retry_jobs(asked=EVERY_LOST) == 1
    assert server.retried == []
    assert "left alone until it has ended there" in shell.heard()[1]


async def test_a_second_call_runs_nothing_twice(world: World, server: Server) -> None:
    lost = await ended(world, server, JobState.LOST)
    assert await retry_jobs(asked=EVERY_LOST) == 0
    assert await retry_jobs(asked=EVERY_LOST) == 1
    assert server.retried == [lost]


async def test_what_prefect_refuses_or_does_not_have_is_named(world: World, server: Server, shell: Shell) -> None:
    gone = await ended(world, server, JobState.LOST)
    del server.states[gone]
    assert await retry_jobs(gone) == 1
    assert f"{gone}: Prefect has no such flow run any more" in shell.heard()[1]
    server.refuses = True
    refused = await ended(world, server, JobState.FAILED)
    assert await retry_jobs(refused) == 1
    out, err = shell.heard()
    assert f"{refused}: Prefect refuses: not now" in err
    assert out == "1 of 1 were not retried.\n"


async def test_many_are_retried_only_with_a_persons_word(world: World, server: Server, shell: Shell) -> None:
    for _ in range(BULK_SIZE + 1):
        await ended(world, server, JobState.LOST)
    assert await retry_jobs(asked=EVERY_LOST) == 2
    assert "these are 11 jobs: see them with --dry-run, then say --yes" in shell.heard()[1]
    assert await retry_jobs(asked=EVERY_LOST, is_dry_run=True) == 0
    assert shell.said().count(" lost ") == BULK_SIZE + 1
    assert server.retried == []
    assert await retry_jobs(asked=EVERY_LOST, is_sure=True) == 0
    assert len(server.retried) == BULK_SIZE + 1


async def test_a_dry_run_shows_the_machine_by_which_jobs_can_be_chosen(
    world: World, server: Server, shell: Shell
) -> None:
    lost = await ended(world, server, JobState.LOST)
    await retry_jobs(asked=EVERY_LOST, is_dry_run=True)
    assert shell.said().startswith(f"job type commit state ended machine {lost} sphinx acme/site 3f2a91c docs/")
    await retry_jobs(asked=JobFilter(machine="none"), is_dry_run=True)
    assert shell.said() == "Nothing to retry."


@pytest.mark.parametrize("state", [JobState.SUCCEEDED, JobState.RUNNING, JobState.WAITING])
@pytest.mark.usefixtures("world", "server")
async def test_what_a_retry_would_not_run_again_cannot_be_asked_for(shell: Shell, state: JobState) -> None:
    assert await retry_jobs(asked=JobFilter(state=(state,))) == 2
    assert "only what ended without success is executed again" in shell.heard()[1]


@pytest.mark.usefixtures("world", "server")
async def test_nothing_is_retried_unless_something_was_selected(shell: Shell) -> None:
    assert await retry_jobs() == 2
    assert "nothing was selected" in shell.heard()[1]
    unknown = uuid4()
    assert await retry_jobs(unknown) == 0
    out, err = shell.heard()
    assert f"{unknown}: no job that ended without success" in err
    assert out == "Nothing to retry.\n"
