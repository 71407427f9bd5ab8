"""Jobs that start, end, are lost and come back while GitHub fails and senders die, at random: each line once."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest
from check_promise import assert_shown_once
from check_worlds import finish, start, world_of_check_runs
from steps import AtEffect, Died
from world import Clock, World

from domain.delivery.policy import Policy
from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from fake_github.faults import Kind
from storage.ledger import Ledger

FIRST = int(os.environ.get("REPORTBACK_TEST_SEED", "0"))
STORMS = int(os.environ.get("REPORTBACK_TEST_STORMS", "40"))
LEAVES_DOUBT = (Kind.CLOSE, Kind.SERVER_ERROR, Kind.HTML, Kind.ODD_SUCCESS, Kind.INTERMEDIARY)
REFUSES = (Kind.PRIMARY_LIMIT, Kind.SECONDARY_LIMIT, Kind.BAD_CREDENTIALS, Kind.NO_SUCH_COMMIT, Kind.NOT_FOUND)
ENDS = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
MOVES = ("start", "start", "end", "end", "end", "lose", "deliver", "deliver", "deliver", "die", "fail", "fail", "time")


@dataclass
class Storm:
    """The random life of one target. `done` tells what happened."""

    world: World
    random: Random
    context: str
    jobs: list[tuple[Execution, list[JobState]]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    async def blow(self) -> None:
        await self.start()
        for _ in range(self.random.randint(4, 14)):
            await getattr(self, self.random.choice(MOVES))()

    async def start(self) -> None:
        if len(self.jobs) < 4:
            self.jobs.append((await start(self.world, self.context), []))
            self.done.append("start")

    async def end(self) -> None:
        execution, ends = self.random.choice(self.jobs)
        if JobState.LOST in ends[-1:] or not ends:
            ends.append(self.random.choice(ENDS))
            await finish(self.world, execution, ends[-1])
            self.done.append(f"end {execution.number} {ends[-1]}")

    async def lose(self) -> None:
        execution, ends = self.random.choice(self.jobs)
        if not ends:
            ends.append(JobState.LOST)
            await finish(self.world, execution, JobState.LOST, warnings=0)
            self.done.append("lose")

    async def deliver(self) -> None:
        self.done.append(f"deliver: {await self.world.deliver(self.context)}")

    async def die(self) -> None:
        last = self.random.randint(0, 14)
        with suppress(Died):
            await self.world.deliver(self.context, by=await self.world.sender(AtEffect(last)))
        self.done.append(f"die {last}")

    async def fail(self) -> None:
        method, late = self.random.choice(["POST", "PATCH", "GET"]), self.random.choice([None, None, 3, 9])
        kind, where = self.random.choice([*LEAVES_DOUBT, *REFUSES]), "before"
        more: dict[str, object] = {}
        if kind is Kind.NO_SUCH_COMMIT:
            method = "POST"  # an update names no commit
        if kind is Kind.NOT_FOUND and any("not_found before PATCH" in done for done in self.done):
            method = "GET"  # refused for a minute, an older run counts as closed
        if kind in LEAVES_DOUBT and method != "GET":
            where = self.random.choice(["before", "after"])
            more = {"stored_after": late} if late and kind is Kind.CLOSE else {}
        elif kind in (Kind.PRIMARY_LIMIT, Kind.SECONDARY_LIMIT):
            more = {"seconds": 30}
        self.world.fault(kind, where=where, method=method, **more)
        self.done.append(f"{kind} {where} {method} {more}")

    async def time(self) -> None:
        seconds = self.random.choice([1, 3, 8, 15, 21, 31, 60])
        self.world.clock.advance(seconds)
        self.done.append(f"{seconds} s")


@pytest.mark.parametrize("database", ["sqlite"])
async def test_storms_leave_each_line_once(ledger: Ledger, clock: Clock) -> None:
    policy = Policy(budget=None)
    for number in range(FIRST, FIRST + STORMS):
        async with world_of_check_runs(ledger, clock, policy=policy) as world:
            storm = Storm(world, Random(number), f"docs/{number}")  # noqa: S311  # to be repeated, not secret
            await storm.blow()
            clock.advance(60)
            await world.reconcile(passes=3, every=31)
            world.github.script.clear()
            for _ in range(4):
                clock.advance(1800)
                await world.reconcile(passes=2, every=31)
            try:
                await assert_shown_once(world, storm.context)
            except AssertionError as error:
                error.add_note(f"storm {number}: {'; '.join(storm.done)}")
                raise
