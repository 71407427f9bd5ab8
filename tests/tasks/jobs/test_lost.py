"""Lost jobs, dead or silent, are ended and reported as `error`; living ones are left alone."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from ledger_jobs import accept, begin, end, order, run_job
from processes import started
from sqlmodel import col, select, update
from waiting import LONGEST
from world import World

from domain.delivery.notifications import Lost, Notification
from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from domain.process.identity import Process
from storage.jobs import jobs
from storage.jobs.liveness import AtWork, lose
from storage.models import Job
from storage.transaction import Transaction
from tasks.jobs.lost import HUNG, end_lost_jobs
from tasks.process.identity import this_process

ELSEWHERE = Process("another machine", 4711, 12345)


@pytest.fixture
def dead() -> Process:
    """A process of this machine that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        return replace(this_process(), pid=child.pid)


@pytest.fixture
def hanging() -> Iterator["subprocess.Popen[bytes]"]:
    """A process of this machine that lives, and gives no sign of life."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        try:
            yield child
        finally:
            child.kill()


async def job_of(
    world: World, process: Process, *, silent_for: float = 0, context: str = "docs/sphinx", group: str | None = None
) -> Execution:
    """A job that runs in *process*, which gave its last sign of life so many seconds ago."""
    execution = await accept(world.ledger, order(context, group=group))
    await begin(world.ledger, execution)
    values = {
        "host": process.host, "pid": process.pid, "pid_started": process.started,
        "beat_at": world.clock.now - timedelta(seconds=silent_for),
    }  # fmt: skip
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Job).where(col(Job.id) == execution.job_id).values(**values))
    return execution


async def state_of(world: World, execution: Execution) -> JobState:
    with world.ledger.transaction() as tx:
        return tx.session.exec(select(Job).where(Job.id == execution.job_id)).one().state


async def beat(world: World, execution: Execution) -> bool:
    return await world.ledger.write(jobs.heartbeat, execution.job_id, execution.number)


async def lost(world: World) -> list[UUID]:
    told: list[Notification] = []
    reporter = replace(world.reporter, ledger=replace(world.ledger, publish=told.append))
    ended = await end_lost_jobs(reporter)
    assert [one.job_id for one in told if isinstance(one, Lost)] == ended
    return ended


async def test_a_job_whose_process_died_is_an_error_on_its_commit(world: World, dead: Process) -> None:
    execution = await job_of(world, dead)
    assert await lost(world) == [execution.job_id]
    assert await state_of(world, execution) is JobState.LOST
    await world.deliver()
    (status,) = world.github.store.held()
    assert status.state == "error"
    assert status.description == "its process died: no sign of life since 12:00:00 UTC"


async def test_a_job_that_was_silent_for_too_long_elsewhere_is_lost(world: World) -> None:
    execution = await job_of(world, ELSEWHERE, silent_for=18)
    began = world.clock.now
    assert await lost(world) == [execution.job_id]
    assert world.clock.now - began == timedelta(seconds=12)  # 30 s without a sign


async def test_a_job_elsewhere_has_thirty_seconds_for_a_sign_of_life(world: World) -> None:
    execution = await job_of(world, ELSEWHERE, silent_for=17)
    assert await lost(world) == []
    assert await state_of(world, execution) is JobState.RUNNING


async def test_without_a_silent_job_nothing_is_waited_for(world: World) -> None:
    await job_of(world, ELSEWHERE, silent_for=9)
    await job_of(world, this_process(), silent_for=300, context="docs/other")
    began = world.clock.now
    assert await lost(world) == []
    assert world.clock.now == began


async def test_a_job_with_a_heartbeat_while_it_is_watched_is_not_lost(world: World) -> None:
    """A ledger that was unavailable for a minute makes no job lost."""
    execution = await job_of(world, ELSEWHERE, silent_for=60)

    async def meanwhile(seconds: float) -> None:
        world.clock.advance(seconds - 1)
        assert await beat(world, execution)
        world.clock.advance(1)

    assert await end_lost_jobs(replace(world.reporter, sleep=meanwhile)) == []
    assert await state_of(world, execution) is JobState.RUNNING


async def test_a_job_with_a_heartbeat_at_the_last_moment_is_not_lost(world: World) -> None:
    """Between the second check and the end."""
    execution = await job_of(world, ELSEWHERE, silent_for=60)

    async def first(name: str) -> None:
        if name == "committed" and world.clock.now > began:
            world.clock.advance(1)
            await beat(world, execution)

    began = world.clock.now
    reporter = await world.sender(first)
    assert await end_lost_jobs(replace(reporter, sleep=world.clock.sleep)) == []
    assert await state_of(world, execution) is JobState.RUNNING


async def test_a_job_that_has_not_begun_comes_back_by_beginning(world: World, dead: Process) -> None:
    execution = await accept(world.ledger, order())
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Job).values(host=dead.host, pid=dead.pid))
    assert await lost(world) == [execution.job_id]
    assert await begin(world.ledger, execution) is JobState.RUNNING
    await end(world.ledger, execution)
    await world.deliver()
    assert world.held() == ["success"]


async def test_a_process_that_hangs_is_not_waited_for_for_ever(
    world: World, hanging: "subprocess.Popen[bytes]"
) -> None:
    hangs = replace(this_process(), pid=hanging.pid, started=started(hanging.pid))
    execution = await job_of(world, hangs, silent_for=HUNG.total_seconds())
    assert await lost(world) == [execution.job_id]
    assert hanging.wait(LONGEST) == -signal.SIGKILL  # with it, its supervisor ends the command


async def test_a_job_that_waits_for_its_group_can_be_lost_and_come_back(world: World, dead: Process) -> None:
    execution = await accept(world.ledger, order())
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Job).values(host=dead.host, pid=dead.pid))
    assert await lost(world) == [execution.job_id]
    assert await beat(world, execution)
    assert await state_of(world, execution) is JobState.WAITING
    await begin(world.ledger, execution)
    await end(world.ledger, execution)
    await world.deliver()
    assert world.held() == ["success"]


async def test_the_group_of_a_dead_job_is_free_and_the_job_stays_out_if_it_comes_back(
    world: World, dead: Process
) -> None:
    execution = await job_of(world, dead, context="docs/first", group="g")
    other = await accept(world.ledger, order(group="g"))
    assert await begin(world.ledger, other) is JobState.WAITING
    with world.ledger.transaction() as tx:
        assert jobs.waits_for(tx, other.job_id) == [execution.job_id]
    await lost(world)
    assert await begin(world.ledger, other) is JobState.RUNNING
    assert not await beat(world, execution)  # its process kills its child then
    assert await state_of(world, execution) is JobState.LOST


async def test_an_ended_job_is_not_ended_again(world: World, dead: Process) -> None:
    await run_job(world.ledger, order())
    with world.ledger.transaction() as tx:
        tx.session.exec(update(Job).values(host=dead.host, pid=dead.pid))
    assert await lost(world) == []


async def test_a_job_that_cannot_be_ended_keeps_no_other_waiting(
    world: World, dead: Process, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    first = await job_of(world, dead, silent_for=1)
    other = await job_of(world, dead, context="docs/other")

    def fails(tx: Transaction, one: AtWork, words: str) -> bool:
        if one.job_id == first.job_id:
            raise ValueError("unexpected")
        return lose(tx, one, words)

    monkeypatch.setattr("storage.jobs.liveness.lose", fails)
    with pytest.raises(ValueError, match="unexpected"):
        await end_lost_jobs(world.reporter)
    assert await state_of(world, other) is JobState.LOST
    assert logged == [f"job {first.job_id} could not be ended: ValueError('unexpected')"]


async def test_two_concurrent_runs_end_a_job_once(world: World, dead: Process) -> None:
    execution = await job_of(world, dead)

    async def another(seconds: float) -> None:
        assert await lost(world) == [execution.job_id]
        world.clock.advance(seconds)

    assert await end_lost_jobs(replace(world.reporter, sleep=another)) == []
    assert (await world.events()).count("recorded") == 1
