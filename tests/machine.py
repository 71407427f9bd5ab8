"""Hypothesis drives jobs, senders, faults, crashes, time, reconciliations and people; what is promised has to hold.

Everything runs in simulated time on the machine's own event loop. A sender is a task that can be held at any of its
effects while others go on, and die at any of them.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
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
    RuleBasedStateMachine,
    initialize,
    invariant,
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
from fake_github.requests import Seen
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
PASSES = 60
LATEST = 15
"""Seconds after which GitHub has stored all that it will ever store."""

A_LITTLE, ENOUGH = 3, 6
"""Senders that have to be at work before what is dear, and puts things in order, comes to pass."""

STORED_LATE: tuple[dict[str, object], ...] = (
    {"kind": Kind.CLOSE, "stored_after": 10},
    {"kind": Kind.SERVER_ERROR, "stored_after": 9, "status": 504},
    {"kind": Kind.HANG, "seconds": 14},
)
"""What most of the rules of delivery are about."""

FAULTS: tuple[dict[str, object], ...] = (
    {"kind": Kind.CLOSE},
    {"kind": Kind.CLOSE, "where": "after"},
    {"kind": Kind.RESET, "where": "after"},
    {"kind": Kind.HANG},
    {"kind": Kind.HANG, "where": "after"},
    {"kind": Kind.SERVER_ERROR, "times": 3},
    {"kind": Kind.SERVER_ERROR, "where": "after", "status": 503},
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
    {"kind": Kind.ABUSE_LIMIT, "seconds": 40},
    {"kind": Kind.BAD_CREDENTIALS, "method": "*"},
    {"kind": Kind.NO_SUCH_COMMIT, "times": 2},
    {"kind": Kind.NOT_FOUND},
    {"kind": Kind.FORBIDDEN},
)

LAST_LOOK = ("committed", 2)
"""The effect of a straight delivery after which its request leaves: the claim is the first."""

EFFECTS = (
    ("commit", 1), ("committed", 1), LAST_LOOK, ("POST", 1), ("POST answered", 1), ("commit", 3), ("committed", 3),
    ("GET", 1), ("GET answered", 1), ("commit", 4), ("committed", 4), ("committed", 5), ("committed", 6), ("POST", 2),
)  # fmt: skip
"""Where a sender may be held or die: the n-th of a name. A pass has some transactions more than a delivery."""

T = TypeVar("T")


class Act(StrEnum):
    """What becomes of a sender at one of its effects."""

    GO_ON = "go on"
    HOLD = "hold"  # it stands still until it is released
    CRASH = "crash"  # its process ends
    REFUSE = "refuse"  # its next request finds nobody who listens


class Crash(BaseException):
    """The process ends here. No `except Exception` notices."""


@dataclass(frozen=True, slots=True)
class Plan:
    """At effect *at* a sender comes to *act*, and GitHub has a *fault*."""

    act: Act = Act.GO_ON
    at: tuple[str, int] = LAST_LOOK
    fault: dict[str, object] | None = None


ACTS = (Act.GO_ON, Act.HOLD, Act.HOLD, Act.CRASH, Act.REFUSE)
FAULTY = st.none() | st.sampled_from(STORED_LATE) | st.sampled_from(FAULTS)
PLANS = st.builds(Plan, st.sampled_from(ACTS), st.sampled_from(EFFECTS), FAULTY)


class Sender:
    """The step of one who has effects, perhaps several at once, and goes by a plan."""

    def __init__(self, loop: SimulatedLoop, plan: Plan, seen: Sequence[Seen]) -> None:
        self.overslept: list[int] = []  # places in *seen* of requests before which it stood still after its last look
        self.held = asyncio.Event()
        self.task: asyncio.Task[object] | None = None
        self._loop, self._plan, self._act = loop, plan, Act.GO_ON
        self._gate = asyncio.Event()
        self._seen = seen
        self._effects: Counter[str] = Counter()
        self._rested: set[asyncio.Task[Any] | None] = set()

    async def __call__(self, name: str) -> None:
        if name == "POST" and asyncio.current_task() in self._rested:
            self.overslept.append(len(self._seen))
        self._rested.discard(asyncio.current_task())
        self._effects[name] += 1
        if (name, self._effects[name]) == self._plan.at:
            self._act = self._plan.act
        await self._do(name)

    async def _do(self, name: str) -> None:
        match self._act:
            case Act.CRASH:  # and whatever it does beside this ends at its next effect, too
                raise Crash(name)
            case Act.REFUSE if name in ("POST", "GET"):
                self._act = Act.GO_ON
                raise httpx.ConnectError("nobody listens")
            case Act.HOLD if name != "commit":  # there it would hold the ledger, too
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
            self._act = Act.CRASH
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
                await session.exec(table.delete())  # type: ignore[call-overload]  # exec is typed for SQLModel's own
        clock = self.loop.clock
        clock.now = clock.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


class Delivery(RuleBasedStateMachine):
    """What can happen to jobs, senders, GitHub and the ledger, in any order."""

    rig: ClassVar[Rig]
    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.ledger = self.rig.loop, self.rig.ledger
        self.everybody: list[Sender] = []
        self.numbers = count(1)
        self.may_oversleep = False
        self.since_rest = 0  # senders that have begun since
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
    def held(self) -> list[Sender]:
        """Who stands still, or stood still when a deadline struck."""
        return [sender for sender in self.everybody if sender.task and not sender.task.done()]

    def is_overslept(self, target: StatusTarget) -> bool:
        """Whether a request for the target left later than its sender had the right to."""
        seen = self.world.github.requests.seen
        late = [seen[number] for sender in self.everybody for number in sender.overslept if number < len(seen)]
        return any(one.context == target.context and target.repository in one.path for one in late)

    @initialize(may_oversleep=st.sampled_from((False, False, True)))
    def choose(self, *, may_oversleep: bool) -> None:
        """Mostly nobody may: then what is promised without exception can be asked for."""
        self.may_oversleep = may_oversleep

    @rule(target=jobs, place=st.sampled_from(PLACES), plan=PLANS)
    def accept(self, place: tuple[Target, str], plan: Plan) -> Job:
        """A job begins, and its `pending` is sent."""
        job = self._new_job(place)
        self.send(job, plan, urgent=False)
        return job

    @rule(target=jobs, place=st.sampled_from(PLACES), state=st.sampled_from(ENDS), plan=PLANS)
    def accept_and_end(self, place: tuple[Target, str], state: JobState, plan: Plan) -> Job:
        """A job that is over before anybody has sent anything; its outcome is sent."""
        job = self._new_job(place)
        self.end(job, state, plan)
        return job

    @rule(job=jobs, state=st.sampled_from(ENDS), plan=PLANS)
    def end(self, job: Job, state: JobState, plan: Plan) -> None:
        """It ends, unless it has; one that was thought lost may come back. Its outcome is sent."""
        self.run(begin(self.ledger, job.execution))
        self.run(end(self.ledger, job.execution, state, credential=job.order.credential))
        self.send(job, plan, urgent=True)

    @rule(job=jobs, plan=PLANS)
    def retry_job(self, job: Job, plan: Plan) -> None:
        """A Retry of the flow run: executed again, unless it succeeded or is at work."""
        if isinstance(taken := self.run(self._accept(job.order)), Execution):
            job.execution = taken
        self.send(job, plan, urgent=False)

    def _new_job(self, place: tuple[Target, str]) -> Job:
        target, credential = place
        url = f"https://github.com/{target.repository}/commit/{target.sha}"
        order = Order(UUID(int=next(self.numbers)), "sphinx", {}, None, target, url, credential)
        taken = self.run(self._accept(order))
        assert isinstance(taken, Execution)
        return Job(order, taken)

    async def _accept(self, order: Order) -> object:
        async with self.ledger.transaction() as session:
            return await jobs.accept(session, order, by=ME, actor=ACTOR, now=await self.ledger.clock(session))

    @rule(job=jobs, urgent=st.booleans(), plan=PLANS)
    def send(self, job: Job, plan: Plan, *, urgent: bool) -> None:
        async def work(reporter: Reporter) -> object:
            return await deliver(reporter, (await self._target(job)).id or 0, job_ends_now=urgent)

        self._work(plan, work)

    async def _target(self, job: Job) -> StatusTarget:
        assert job.order.target is not None
        async with self.ledger.transaction() as session:
            found = select(StatusTarget).where(StatusTarget.key == job.order.target.key)
            return (await session.exec(found)).one()

    @rule(seconds=st.sampled_from((0, 1, 5, 14, 31, 61, 600, 3700)), plan=PLANS)
    def reconcile(self, seconds: int, plan: Plan) -> None:
        """Time passes; then the reconciliation goes over what is due."""
        self.run(asyncio.sleep(seconds))
        self._work(plan, self._pass)

    @rule(job=jobs, plan=PLANS)
    def retry_report(self, job: Job, plan: Plan) -> None:
        """A person wants what speaks to be tried again, rejected or not."""

        async def work(reporter: Reporter) -> None:
            newest_id = (await self._target(job)).newest_id or 0
            with suppress(Undelivered):
                await retry_report(reporter, newest_id, self.settings)

        self._work(plan, work)

    async def _pass(self, reporter: Reporter) -> object:
        number = UUID(int=next(self.numbers))
        return await deliver_due(reporter, number, budget=PASS, senders=SENDERS, on_trouble=_fail)

    def _work(self, plan: Plan, work: Callable[[Reporter], Coroutine[Any, Any, object]]) -> None:
        async def begun() -> bool:
            return await sender.work(work(await self.world.sender(sender)))

        self.world.github.script.clear()
        if plan.fault:
            self.world.github.script.add(Fault.model_validate(plan.fault))
        sender = Sender(self.loop, plan, self.world.github.requests.seen)
        self.everybody.append(sender)
        self.since_rest += 1
        self.run(begun())

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 9), crash=st.booleans())
    def release(self, which: int, *, crash: bool) -> None:
        """Somebody who is held goes on, or dies where it stands."""
        self.run(self.held[which % len(self.held)].release(crash=crash))

    @precondition(lambda self: self.may_oversleep)
    @rule(target=jobs, place=st.sampled_from(PLACES), ended=st.booleans(), plan=PLANS)
    def oversleep(self, place: tuple[Target, str], plan: Plan, *, ended: bool) -> Job:
        """The sender of a `pending` is suspended just before its request, and wakes after others did their work."""
        job = self.accept(place, Plan(Act.HOLD, LAST_LOOK))
        sender = self.everybody[-1]
        if ended:
            self.end(job, JobState.SUCCEEDED, Plan())
        self.reconcile(61, plan)
        self.run(sender.release())
        return job

    @precondition(lambda self: self.since_rest >= A_LITTLE and not self.held)
    @rule()
    def put_a_backup_back(self) -> None:
        """Of this very moment: what it has to do is to make nothing worse."""

        async def work() -> None:
            async with self.ledger.transaction() as session:
                now = self.loop.clock.now
                await restored.read_back_everything(session, policy=POLICY, actor=ACTOR, now=now)

        self.run(work())

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

    @precondition(lambda self: self.since_rest >= ENOUGH)
    @rule()
    def at_rest_all_is_kept(self) -> None:
        """Nobody is held any more, nothing goes wrong any more, and the reconciliation has had its time."""
        self.run(self._come_to_rest())
        wrong = [
            words for of in self.run(told(self.world)) for words in broken(of, overslept=self.is_overslept(of.target))
        ]
        assert not wrong, "\n".join(wrong)
        self.since_rest = 0

    async def _come_to_rest(self) -> None:
        self.world.github.script.clear()
        for sender in self.everybody:
            await sender.release()
        for _ in range(PASSES):
            moment = await self._next_moment()
            if moment is None:
                return await asyncio.sleep(LATEST)
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
