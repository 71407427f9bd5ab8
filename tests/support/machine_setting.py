"""The world of the state machine: its jobs, senders and reconciliation runs, and how it comes to rest."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
)
from ledger_jobs import CREDENTIAL, ME, SHA
from ledger_tables import TABLES
from log_lines import nothing_logged
from plans import Plan, Sender
from simulated import SimulatedLoop
from sqlmodel import and_, col, not_, or_, select
from world import World, world_on

from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from domain.delivery.target import Target
from domain.jobs.execution import Execution, Order
from domain.jobs.job_states import JobState
from fake_github.faults import Fault
from settings import Settings
from storage.jobs import jobs
from storage.ledger import Ledger
from storage.models import Credential, StatusReport, StatusTarget
from tasks.delivery.deliver_due import deliver_due
from tasks.delivery.eligible import offered
from tasks.delivery.reporter import Reporter

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
        with self.ledger.transaction() as tx:
            for table in TABLES:
                tx.session.exec(table.delete())
        clock = self.loop.clock
        clock.now = clock.now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


class Setting(RuleBasedStateMachine):
    """Jobs, senders and a ledger, without any rule."""

    rig: ClassVar[Rig]

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

    @property
    def held(self) -> list[Sender]:
        return [sender for sender in self.all_senders if sender.is_held]

    def is_overslept(self, target: StatusTarget) -> bool:
        """Whether a request for the target left after its sender's lease allowed it."""
        seen = self.world.github.requests.seen
        late = [seen[number] for sender in self.all_senders for number in sender.overslept if number < len(seen)]
        return any(one.context == target.context and target.repository in one.path for one in late)

    def _new_job(self, place: tuple[Target, str]) -> Job:
        target, credential = place
        url = f"https://github.com/{target.repository}/commit/{target.sha}"
        order = Order(UUID(int=next(self.numbers)), "sphinx", {}, None, target, url, credential)
        taken = self.run(self._accept(order))
        assert isinstance(taken, Execution)
        return Job(order, taken)

    async def _accept(self, order: Order) -> object:
        return await self.ledger.write(jobs.accept, order, by=ME)

    async def _target(self, job: Job) -> StatusTarget:
        assert job.order.target is not None
        with self.ledger.transaction() as tx:
            found = select(StatusTarget).where(StatusTarget.key == job.order.target.key)
            return tx.session.exec(found).one()

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

    async def _lost(self) -> list[StatusReport]:
        settled = or_(col(StatusReport.delivered_at).is_not(None), col(StatusReport.rejected_at).is_not(None))
        is_lost = and_(col(StatusTarget.due_at).is_(None), not_(settled))
        found = select(StatusReport).join(StatusTarget, col(StatusReport.id) == col(StatusTarget.newest_id))
        with self.ledger.transaction() as tx:
            return list(tx.session.exec(found.where(is_lost)))

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
        with self.ledger.transaction() as tx:
            requested = tx.session.exec(VERIFICATIONS)
            moments = [max(filter(None, times)) for times in requested] + ([due_at] if due_at else [])
        return max(now, min(moments)) if moments else None
