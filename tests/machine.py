"""Hypothesis drives jobs, senders, faults, crashes, time, reconciliations and people; what is promised has to hold.

Everything runs in simulated time on the machine's own event loop. A sender is a task that can be held at any of its
effects while others go on, and die at any of them.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)
from promise import broken, told
from simulated import SimulatedClock, SimulatedLoop, open_simulated
from sqlmodel import SQLModel, and_, col, func, not_, or_, select
from world import ACTOR, CREDENTIAL, ME, SHA, World, begin, end, world_on

from domain.budget import WriteBudget
from domain.job import JobState, Target
from domain.policy import Policy
from fake_github.faults import Fault, Kind
from settings import Settings
from storage import backlog, jobs, restored
from storage.engine import Ledger
from storage.jobs import Execution, Order
from storage.models import StatusReport, StatusTarget
from tasks.deliver import Reporter, deliver
from tasks.deliver_due import deliver_due
from tasks.report_status import Undelivered
from tasks.retry_report import retry_report

OTHER = "env:OTHER"
PLACES = (
    (Target("acme/site", SHA, "docs/sphinx"), CREDENTIAL),
    (Target("acme/site", SHA, "docs/mkdocs"), CREDENTIAL),
    (Target("umbrella/site", SHA, "docs/sphinx"), OTHER),
)
"""Where jobs report: two contexts of one commit, and one with another credential."""

POLICY = Policy(budget=WriteBudget())
PASS = timedelta(seconds=50)
SENDERS = 3
ENDS = (JobState.SUCCEEDED, JobState.FAILED, JobState.CRASHED, JobState.LOST)
LAST_EFFECT = 16
PASSES = 60

FAULTS: tuple[dict[str, object], ...] = (
    {"kind": Kind.CLOSE},
    {"kind": Kind.CLOSE, "where": "after"},
    {"kind": Kind.CLOSE, "stored_after": 10},
    {"kind": Kind.RESET, "where": "after"},
    {"kind": Kind.HANG},
    {"kind": Kind.HANG, "where": "after"},
    {"kind": Kind.HANG, "seconds": 14},
    {"kind": Kind.SERVER_ERROR, "times": 3},
    {"kind": Kind.SERVER_ERROR, "where": "after", "status": 503},
    {"kind": Kind.SERVER_ERROR, "stored_after": 9, "status": 504},
    {"kind": Kind.TRUNCATE, "where": "after"},
    {"kind": Kind.ODD_SUCCESS, "where": "after"},
    {"kind": Kind.ODD_SUCCESS, "times": 6},
    {"kind": Kind.FOREIGN, "where": "after"},
    {"kind": Kind.LAG, "seconds": 5, "times": 2},
    {"kind": Kind.SERVER_ERROR, "method": "GET", "times": 2},
    {"kind": Kind.NOT_FOUND, "method": "GET"},
    {"kind": Kind.HANG, "method": "GET"},
    {"kind": Kind.PRIMARY_LIMIT, "seconds": 90, "method": "*"},
    {"kind": Kind.SECONDARY_LIMIT, "status": 429, "times": 2},
    {"kind": Kind.SECONDARY_LIMIT, "seconds": 40, "where": "after"},
    {"kind": Kind.BAD_CREDENTIALS, "method": "*"},
    {"kind": Kind.NO_SUCH_COMMIT, "times": 2},
    {"kind": Kind.NOT_FOUND},
    {"kind": Kind.FORBIDDEN},
)

T = TypeVar("T")


class Act(StrEnum):
    """What becomes of a sender at one of its effects."""

    GO_ON = "go on"
    HOLD = "hold"  # it stands still until it is released
    CRASH = "crash"  # its process ends
    REFUSE = "refuse"  # its next request finds nobody who listens


class Crash(BaseException):
    """The process ends here. No `except Exception` notices."""


class Sender:
    """The step of one who has effects, perhaps several at once; at number *at* it comes to *act*."""

    def __init__(self, loop: SimulatedLoop, act: Act, at: int) -> None:
        self.overslept = False  # it stood still between its last look at the lease and its request
        self.held = asyncio.Event()
        self.task: asyncio.Task[object] | None = None
        self._loop, self._act, self._at = loop, act, at
        self._gate = asyncio.Event()
        self._numbers = count()
        self._rested: set[asyncio.Task[Any] | None] = set()

    async def __call__(self, name: str) -> None:
        if name == "POST" and asyncio.current_task() in self._rested:
            self.overslept = True
        self._rested.discard(asyncio.current_task())
        is_time = next(self._numbers) >= self._at
        if self._act is Act.CRASH and is_time:  # and whatever it does beside this ends, too
            raise Crash(name)
        if self._act is Act.REFUSE and is_time and name in ("POST", "GET"):
            self._act = Act.GO_ON
            raise httpx.ConnectError("nobody listens")
        if self._act is Act.HOLD and is_time and name != "commit":  # there it would hold the ledger, too
            self._act = Act.GO_ON
            await self._stand_still()

    async def _stand_still(self) -> None:
        began = self._loop.clock.now
        self.held.set()
        await self._gate.wait()
        if self._loop.clock.now > began:
            self._rested.add(asyncio.current_task())

    async def work(self, work: Coroutine[Any, Any, object]) -> bool:
        """Begin *work*, until it ends or is held. True: it is held."""
        self.task = asyncio.create_task(work)
        is_held = asyncio.create_task(self.held.wait())
        await asyncio.wait((self.task, is_held), return_when=asyncio.FIRST_COMPLETED)
        is_held.cancel()
        if self.task.done():
            _raise_unless_crash(self.task)
        return not self.task.done()

    async def release(self, *, crash: bool = False) -> None:
        """Let it go on to its end, or die where it stands, if it still stands there: a deadline may have struck."""
        assert self.task is not None
        if crash:
            self._act, self._at = Act.CRASH, 0
            self.task.cancel()
        self._gate.set()
        await asyncio.wait([self.task])
        _raise_unless_crash(self.task)


def _raise_unless_crash(task: asyncio.Task[object]) -> None:
    with suppress(Crash, asyncio.CancelledError):
        task.result()


@dataclass
class Job:
    """One flow run."""

    order: Order
    execution: Execution


@dataclass
class Rig:
    """A loop and an open ledger, for one machine after another."""

    loop: SimulatedLoop
    ledger: Ledger

    async def clear(self) -> None:
        """An empty ledger, at the beginning of an hour."""
        async with self.ledger.transaction() as session:
            for table in reversed(SQLModel.metadata.sorted_tables):
                await session.exec(table.delete())
        clock = self.loop.clock
        clock.now = clock.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


class Delivery(RuleBasedStateMachine):
    """What can happen to jobs, senders, GitHub and the ledger, in any order."""

    rig: ClassVar[Rig]
    jobs = Bundle("jobs")
    senders = Bundle("senders")

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.ledger = self.rig.loop, self.rig.ledger
        self.everybody: list[Sender] = []
        self.numbers = count(1)
        self.settings = Settings(credentials={"acme/*": CREDENTIAL, "*": OTHER})
        self.stack = AsyncExitStack()
        self.run(self.rig.clear())
        opening = world_on(self.ledger, self.loop.clock, policy=POLICY)
        self.world: World = self.run(self.stack.enter_async_context(opening))
        self.world.tokens[OTHER] = "another-token"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.at_rest_all_is_kept()
        finally:
            self.run(self.stack.aclose())

    @property
    def overslept(self) -> bool:
        return any(sender.overslept for sender in self.everybody)

    @rule(target=jobs, place=st.sampled_from(PLACES))
    def accept(self, place: tuple[Target, str]) -> Job:
        target, credential = place
        url = f"https://github.com/{target.repository}/commit/{target.sha}"
        order = Order(UUID(int=next(self.numbers)), "sphinx", {}, None, target, url, credential)
        taken = self.run(self._accept(order))
        assert isinstance(taken, Execution)
        return Job(order, taken)

    @rule(job=jobs, state=st.sampled_from(ENDS))
    def end(self, job: Job, state: JobState) -> None:
        """It ends, unless it has; one that was thought lost may come back."""
        self.run(begin(self.ledger, job.execution))
        self.run(end(self.ledger, job.execution, state, credential=job.order.credential))

    @rule(job=jobs)
    def retry_job(self, job: Job) -> None:
        """A Retry of the flow run: executed again, unless it succeeded or is at work."""
        if isinstance(taken := self.run(self._accept(job.order)), Execution):
            job.execution = taken

    async def _accept(self, order: Order) -> object:
        async with self.ledger.transaction() as session:
            return await jobs.accept(session, order, by=ME, actor=ACTOR, now=await self.ledger.clock(session))

    @rule(
        target=senders, job=jobs, urgent=st.booleans(),
        act=st.sampled_from(Act), at=st.integers(0, LAST_EFFECT),
    )  # fmt: skip
    def send(self, job: Job, act: Act, at: int, *, urgent: bool) -> "Sender | MultipleResults[Sender]":
        async def work(reporter: Reporter) -> object:
            return await deliver(reporter, (await self._target(job)).id or 0, job_ends_now=urgent)

        return self._work(act, at, work)

    async def _target(self, job: Job) -> StatusTarget:
        assert job.order.target is not None
        async with self.ledger.transaction() as session:
            found = select(StatusTarget).where(StatusTarget.key == job.order.target.key)
            return (await session.exec(found)).one()

    @rule(target=senders, act=st.sampled_from(Act), at=st.integers(0, 3 * LAST_EFFECT))
    def reconcile(self, act: Act, at: int) -> "Sender | MultipleResults[Sender]":
        return self._work(act, at, self._pass)

    @rule(target=senders, job=jobs, act=st.sampled_from(Act), at=st.integers(0, LAST_EFFECT))
    def retry_report(self, job: Job, act: Act, at: int) -> "Sender | MultipleResults[Sender]":
        """A person wants what speaks to be tried again, rejected or not."""

        async def work(reporter: Reporter) -> None:
            newest_id = (await self._target(job)).newest_id or 0
            with suppress(Undelivered):
                await retry_report(reporter, newest_id, self.settings)

        return self._work(act, at, work)

    async def _pass(self, reporter: Reporter) -> object:
        number = UUID(int=next(self.numbers))
        return await deliver_due(reporter, number, budget=PASS, senders=SENDERS, on_trouble=_fail)

    def _work(
        self, act: Act, at: int, work: Callable[[Reporter], Coroutine[Any, Any, object]]
    ) -> "Sender | MultipleResults[Sender]":
        async def begun() -> bool:
            return await sender.work(work(await self.world.sender(sender)))

        sender = Sender(self.loop, act, at)
        self.everybody.append(sender)
        return sender if self.run(begun()) else multiple()

    @rule(sender=consumes(senders), crash=st.booleans())
    def release(self, sender: Sender, *, crash: bool) -> None:
        self.run(sender.release(crash=crash))

    @rule(fault=st.sampled_from(FAULTS))
    def fault(self, fault: dict[str, object]) -> None:
        self.world.github.script.add(Fault.model_validate(fault))

    @rule(seconds=st.sampled_from((1, 5, 14, 16, 31, 61, 600, 3700)))
    def time_passes(self, seconds: int) -> None:
        self.run(asyncio.sleep(seconds))

    @precondition(lambda self: self.is_at_rest())
    @rule()
    def put_a_backup_back(self) -> None:
        """Of this very moment: what it has to do is to make nothing worse."""

        async def work() -> None:
            async with self.ledger.transaction() as session:
                now = self.loop.clock.now
                await restored.read_back_everything(session, policy=POLICY, actor=ACTOR, now=now)

        self.run(work())

    def is_at_rest(self) -> bool:
        return all(sender.task is None or sender.task.done() for sender in self.everybody)

    @invariant()
    def what_speaks_is_settled_or_somebody_will_see_to_it(self) -> None:
        lost = self.run(self._lost())
        assert not lost, f"neither delivered nor rejected nor due: {lost}"

    async def _lost(self) -> list[StatusReport]:
        settled = or_(col(StatusReport.delivered_at).is_not(None), col(StatusReport.rejected_at).is_not(None))
        is_lost = and_(col(StatusTarget.due_at).is_(None), not_(settled))
        found = select(StatusReport).join(StatusTarget, col(StatusReport.id) == col(StatusTarget.newest_id))
        async with self.ledger.transaction() as session:
            return list(await session.exec(found.where(is_lost)))

    @rule()
    def at_rest_all_is_kept(self) -> None:
        """Nobody is held any more, nothing goes wrong any more, and the reconciliation has had its time."""
        self.run(self._come_to_rest())
        wrong = [words for of in self.run(told(self.world)) for words in broken(of, overslept=self.overslept)]
        assert wrong == []

    async def _come_to_rest(self) -> None:
        self.world.github.script.clear()
        for sender in self.everybody:
            await sender.release()
        for _ in range(PASSES):
            moment = await self._next_moment()
            if moment is None:
                return
            await asyncio.sleep((moment - self.loop.clock.now).total_seconds())
            await self._pass(self.world.reporter)
        raise AssertionError(f"not at rest after {PASSES} passes")

    async def _next_moment(self) -> datetime | None:
        """When there is something to do for the reconciliation. None: all is settled and looked at."""
        now = self.loop.clock.now
        is_newest = col(StatusReport.id) == col(StatusTarget.newest_id)
        looks = select(func.min(StatusTarget.verify_at)).join(StatusReport, is_newest)
        async with self.ledger.transaction() as session:
            is_due = await backlog.due(session, limit=1, write_budget=POLICY.budget, now=now)
            due_at = now if is_due else await backlog.next_due(session, write_budget=POLICY.budget, now=now)
            look_at = (await session.exec(looks.where(col(StatusReport.delivered_at).is_not(None)))).one()
        return max(now, min(filter(None, (due_at, look_at)))) if due_at or look_at else None


def _fail(words: str) -> None:
    raise AssertionError(words)


@contextmanager
def machine_on(url: str) -> Iterator[type[Delivery]]:
    """A machine on the ledger at *url*, which it clears each time."""
    loop = SimulatedLoop(SimulatedClock())
    stack = AsyncExitStack()
    try:
        ledger = loop.run_until_complete(stack.enter_async_context(open_simulated(url, loop)))
        yield type("Delivery", (Delivery,), {"rig": Rig(loop, ledger)})
        loop.run_until_complete(stack.aclose())
    finally:
        loop.close()
