"""A Hypothesis state machine of jobs, senders, faults, crashes, time, reconciliations and operators.

Each example ends with a check of the whole promise. Everything runs in simulated time on the machine's own event loop.
A sender is a task that can be held at any of its effects while others go on, and can die there.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from ledger_tables import TABLES
from log_lines import nothing_logged
from plans import LAST_LOOK, PLANS, Act, Plan, Sender
from promise import histories, violations
from simulated import SimulatedClock, SimulatedLoop, open_simulated
from sqlmodel import and_, col, not_, or_, select
from world import ACTOR, CREDENTIAL, ME, SHA, World, begin, end, world_on

from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from domain.delivery.target import Target
from domain.jobs.execution import Execution, Order
from domain.jobs.job_states import JobState
from fake_github.faults import Fault
from settings import Settings
from storage.jobs import jobs
from storage.ledger import Ledger
from storage.maintenance import restored
from storage.models import Credential, StatusReport, StatusTarget
from tasks.delivery.deliver import deliver
from tasks.delivery.deliver_due import deliver_due
from tasks.delivery.eligible import offered
from tasks.delivery.reporter import Reporter
from tasks.delivery.retry import retry_report
from tasks.report_status import Undelivered

OTHER = "env:OTHER"
PLACES = (
    (Target("acme/site", SHA, "docs/sphinx"), CREDENTIAL),
    (Target("acme/site", SHA, "docs/mkdocs"), CREDENTIAL),
    (Target("umbrella/site", SHA, "docs/sphinx"), OTHER),
)
"""Where jobs report: two contexts of one commit, and one with another credential."""

SOMEWHERE = st.sampled_from((*PLACES[:1] * 3, *PLACES[1:]))
"""Mostly one context: most errors need several actors on one target."""

POLICY = Policy(budget=WriteBudget())
PASS = timedelta(seconds=50)
SENDERS = 3
ENDS = (JobState.SUCCEEDED, JobState.FAILED, JobState.CRASHED, JobState.LOST)
PASSES = 60
LATEST = 15
"""Seconds after which GitHub has stored all that it will ever store."""

A_LITTLE, ENOUGH = 3, 6
"""The least number of senders at work before a rule that is expensive and restores order is run."""

VERIFICATIONS = (
    select(StatusTarget.verify_at, StatusTarget.doubt_until, Credential.paused_until)
    .join(StatusReport, col(StatusReport.id) == col(StatusTarget.newest_id))
    .join(Credential, col(Credential.name) == col(StatusTarget.credential))
    .where(col(StatusTarget.verify_at).is_not(None), col(StatusReport.delivered_at).is_not(None))
)
"""The times that each requested verification has to wait for."""

T = TypeVar("T")


@dataclass
class Job:
    """One flow run."""

    order: Order
    execution: Execution


@dataclass
class Rig:
    """A loop and an open ledger, shared by successive machines."""

    loop: SimulatedLoop
    ledger: Ledger

    async def clear(self) -> None:
        """Empty the ledger and set the clock to the beginning of an hour."""
        async with self.ledger.transaction() as session:
            for table in TABLES:
                await session.exec(table.delete())
        clock = self.loop.clock
        clock.now = clock.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


class Delivery(RuleBasedStateMachine):
    """The rules: what can happen to jobs, senders, GitHub and the ledger, in any order."""

    rig: ClassVar[Rig]
    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.ledger = self.rig.loop, self.rig.ledger
        self.all_senders: list[Sender] = []
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
        return [sender for sender in self.all_senders if sender.is_held]

    def is_overslept(self, target: StatusTarget) -> bool:
        """Whether a request for the target left after its sender's lease allowed it."""
        seen = self.world.github.requests.seen
        late = [seen[number] for sender in self.all_senders for number in sender.overslept if number < len(seen)]
        return any(one.context == target.context and target.repository in one.path for one in late)

    @initialize(may_oversleep=st.sampled_from((False, False, True)))
    def choose(self, *, may_oversleep: bool) -> None:
        """Whether senders may be suspended; mostly not, so that the promise must hold without exception."""
        self.may_oversleep = may_oversleep

    @rule(target=jobs, place=SOMEWHERE, plan=PLANS)
    def accept(self, place: tuple[Target, str], plan: Plan) -> Job:
        """A job begins, and its `pending` is sent."""
        job = self._new_job(place)
        self.send(job, plan, urgent=False)
        return job

    @rule(target=jobs, place=SOMEWHERE, state=st.sampled_from(ENDS), plan=PLANS)
    def accept_and_end(self, place: tuple[Target, str], state: JobState, plan: Plan) -> Job:
        """A job ends before its `pending` was sent; its outcome is sent."""
        job = self._new_job(place)
        self.end(job, state, plan)
        return job

    @rule(job=jobs, state=st.sampled_from(ENDS), plan=PLANS)
    def end(self, job: Job, state: JobState, plan: Plan) -> None:
        """A job ends, unless it has; one thought lost may come back. Its outcome is sent."""
        self.run(begin(self.ledger, job.execution))
        self.run(end(self.ledger, job.execution, state, credential=job.order.credential))
        self.send(job, plan, urgent=True)

    @rule(job=jobs, plan=PLANS)
    def retry_job(self, job: Job, plan: Plan) -> None:
        """Retry of a flow run: executed again, unless it succeeded or is running."""
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
        """Time passes; then a reconciliation run delivers what is due."""
        self.run(asyncio.sleep(seconds))
        self._work(plan, self._pass)

    @rule(job=jobs, plan=PLANS)
    def retry_report(self, job: Job, plan: Plan) -> None:
        """An operator retries the current report, rejected or not."""

        async def work(reporter: Reporter) -> None:
            newest_id = (await self._target(job)).newest_id or 0
            with suppress(Undelivered):
                await retry_report(reporter, newest_id, self.settings)

        self._work(plan, work)

    async def _pass(self, reporter: Reporter) -> object:
        number = UUID(int=next(self.numbers))
        with nothing_logged():
            return await deliver_due(reporter, number, budget=PASS, senders=SENDERS)

    def _work(self, plan: Plan, work: Callable[[Reporter], Coroutine[Any, Any, object]]) -> None:
        async def begun() -> None:
            await sender.work(work(await self.world.sender(sender)))

        self.world.github.script.clear()
        if plan.fault:
            self.world.github.script.add(Fault.model_validate(plan.fault))
        sender = Sender(self.loop.clock, plan, self.world.github.requests.seen)
        self.all_senders.append(sender)
        self.since_rest += 1
        self.run(begun())

    @precondition(lambda self: self.held)
    @rule(which=st.integers(0, 9), crash=st.booleans())
    def release(self, which: int, *, crash: bool) -> None:
        """A held sender goes on, or dies where it is."""
        self.run(self.held[which % len(self.held)].release(crash=crash))

    @precondition(lambda self: self.may_oversleep)
    @rule(target=jobs, place=SOMEWHERE, ended=st.booleans(), plan=PLANS)
    def oversleep(self, place: tuple[Target, str], plan: Plan, *, ended: bool) -> Job:
        """The sender of a `pending` is suspended just before its request, and resumed after others have worked."""
        job = self._new_job(place)
        self.send(job, Plan(Act.HOLD, LAST_LOOK), urgent=False)
        sender = self.all_senders[-1]
        if ended:
            self.end(job, JobState.SUCCEEDED, Plan())
        self.reconcile(61, plan)
        self.run(sender.release())
        return job

    @precondition(lambda self: self.since_rest >= A_LITTLE and not self.held)
    @rule()
    def put_a_backup_back(self) -> None:
        """A backup of this moment is restored, which must break nothing."""

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
        """Release all senders, end all faults, reconcile until nothing is due, and check the promise."""
        self.run(self._come_to_rest())
        wrong = [
            words
            for of in self.run(histories(self.world))
            for words in violations(of, overslept=self.is_overslept(of.target))
        ]
        assert not wrong, "\n".join(wrong)
        self.since_rest = 0

    async def _come_to_rest(self) -> None:
        self.world.github.script.clear()
        for sender in self.all_senders:
            await sender.release()
        for _ in range(PASSES):
            moment = await self._next_moment()
            if moment is None:
                return await asyncio.sleep(LATEST)
            await asyncio.sleep((moment - self.loop.clock.now).total_seconds())
            await self._pass(self.world.reporter)
        raise AssertionError(f"not at rest after {PASSES} passes")

    async def _next_moment(self) -> datetime | None:
        """The next time at which reconciliation has work. None: all is settled and verified."""
        now, offers, again_at = await offered(self.world.reporter)
        due_at = now if offers else again_at
        async with self.ledger.transaction() as session:
            requested = await session.exec(VERIFICATIONS)
            moments = [max(filter(None, times)) for times in requested] + ([due_at] if due_at else [])
        return max(now, min(moments)) if moments else None


@contextmanager
def machine_on(url: str) -> Iterator[type[Delivery]]:
    """The state machine on the ledger at *url*, which it empties for each example."""
    loop = SimulatedLoop(SimulatedClock())
    stack = AsyncExitStack()
    try:
        ledger = loop.run_until_complete(stack.enter_async_context(open_simulated(url, loop)))
        yield type("Delivery", (Delivery,), {"rig": Rig(loop, ledger)})
        loop.run_until_complete(stack.aclose())
    finally:
        loop.close()
