"""A Hypothesis state machine of jobs, senders, faults, crashes, time, reconciliations and operators.

Each example ends with a check of the whole promise. Everything runs in simulated time on the machine's own event loop.
A sender is a task that can be held at any of its effects while others go on, and can die there.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    initialize,
    invariant,
    precondition,
    rule,
)
from in_place import open_in_place
from ledger_jobs import begin, end
from machine_setting import A_LITTLE, ENDS, ENOUGH, POLICY, SOMEWHERE, Job, Rig, Setting
from plans import LAST_LOOK, PLANS, Act, Plan
from promise import histories, violations
from simulated import SimulatedClock, SimulatedLoop
from transactions import at

from domain.delivery.target import Target
from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from storage.maintenance import restored
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter
from tasks.delivery.retry import retry_report
from tasks.report_status import Undelivered


class Delivery(Setting):
    """The rules: what can happen to jobs, senders, GitHub and the ledger, in any order."""

    jobs = Bundle("jobs")

    def teardown(self) -> None:
        try:
            self.at_rest_all_is_kept()
        finally:
            self.run(self.stack.aclose())

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

    @rule(job=jobs, urgent=st.booleans(), plan=PLANS)
    def send(self, job: Job, plan: Plan, *, urgent: bool) -> None:
        async def work(reporter: Reporter) -> object:
            return await deliver(reporter, (await self._target(job)).id or 0, job_ends_now=urgent)

        self._work(plan, work)

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
            with self.ledger.transaction() as tx:
                now = self.loop.clock.now
                restored.read_back_everything(at(tx, now=now), policy=POLICY)

        self.run(work())

    @invariant()
    def what_speaks_is_settled_or_somebody_will_see_to_it(self) -> None:
        lost = self.run(self._lost())
        assert not lost, f"neither delivered nor rejected nor due: {lost}"

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


@contextmanager
def machine_on(url: str) -> Iterator[type[Delivery]]:
    """The state machine on the ledger at *url*, which it empties for each example."""
    loop = SimulatedLoop(SimulatedClock())
    stack = AsyncExitStack()
    try:
        ledger = loop.run_until_complete(stack.enter_async_context(open_in_place(url, loop.clock.of_ledger)))
        yield type("Delivery", (Delivery,), {"rig": Rig(loop, ledger)})
        loop.run_until_complete(stack.aclose())
    finally:
        loop.close()
