"""A ledger, a stand-in GitHub and a clock that they share: the API for tests of delivery.

A complete test, which runs on SQLite and on PostgreSQL (in tests/delivery/ by default on SQLite only):

    async def test_a_lost_reply_makes_one_status(world: World) -> None:
        world.fault(Kind.CLOSE, where="after")  # the next POST is stored, its reply lost
        await run_job(world.ledger, order())  # a job from acceptance to its end
        await world.deliver()  # one attempt, which ends in doubt
        await world.reconcile()  # reconciliation runs, with time passing between them
        assert world.held() == ["success"]

How to write one:

- Ask for the fixture `world`, or `ledger` if nothing is sent. If the database makes no difference, run the test on one
  with `pytest.mark.parametrize("database", ["sqlite"])`.
- Arrange: `run_job`, or `accept`, `begin` and `end`, all in ledger_jobs.py, bring the ledger to a state.
  `world.fault(Kind.…)` makes the next matching request fail; with `where="after"` only after its status was stored.
- Act: `world.deliver()` is one attempt, `world.reconcile()` a few reconciliation runs. Or call the function under test.
- Read or change rows in `with world.ledger.transaction() as tx:`, which waits in the test's own thread. What another
  task must be able to interrupt, or a `Step` to see, is a call: `await world.ledger.write(reports.reopen, …)`.
- Time passes only by `world.clock.advance(seconds)` and `world.reconcile()`. No test sleeps or asserts how long
  something took.
- Assert first on the states that GitHub holds, `world.held()`, then on requests (`world.posts()`), rows
  (`world.target()`, `world.phases()`) and events (`world.events()`). `exactly_once.assert_exactly_once(world)` checks
  the whole promise.
- Two senders at once, or one that dies: pass a `Step` to `world.sender()`. It is called before and after each effect of
  the sender (the end of a transaction, a request), and there the test counts, raises, or lets another sender go first.
  `steps.AtEffect` ends a sender's process at one effect; `actors.Actor` stops a sender before each; `racing.py` makes
  races in the database; `statements.py` runs statements in every order.
- Wait for another process, thread or task only with `waiting.until` or `waiting.soon`.
- Release what the test holds in a `finally`, a fixture or a context manager, also when the test fails.

If the test holds a rule of the promise, add a line to breakages/: the rule removed, and this test, which must fail.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import httpx
from ledger_jobs import ACTOR, CREDENTIAL, SHA
from sqlmodel import col, select
from steps import Step, SteppedLedger, SteppedTransport, go_on, parts

from domain.delivery.budget import WriteBudget
from domain.delivery.policy import Policy
from domain.delivery.report import Phase, RecordedReport
from domain.delivery.surface import Surface
from fake_github.app import FakeGitHub
from fake_github.faults import Fault, Kind
from fake_github.in_process import InProcessTransport
from fake_github.store import Draft
from github_api.check_runs import CheckRuns
from github_api.commit_statuses import CommitStatuses
from github_api.credentials import NoCredential
from storage.delivery import availability, due, events, reports
from storage.delivery.availability import Busy, Settled
from storage.ledger import Ledger
from storage.models import StatusReport, StatusTarget
from storage.transaction import Transaction
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter


@dataclass
class Clock:
    """A clock that moves only by `advance` or `sleep`."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 12, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def of_ledger(self, _: object) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Advance at once: the stand-in's waits take no real time."""
        self.advance(seconds)


OpenSurface: TypeAlias = Callable[["World", httpx.AsyncBaseTransport], AbstractAsyncContextManager[Surface]]
"""Opens a surface for one sender, whose requests go through the transport."""


def commit_statuses(world: "World", way: httpx.AsyncBaseTransport) -> CommitStatuses:
    return CommitStatuses("http://github.test", world.policy.timeout, world.now, way)


def due_ids(tx: Transaction, *, limit: int, write_budget: WriteBudget | None = None) -> list[int]:
    """Ids of the targets that a claim may take, in the order in which a reconciliation run would."""
    offers = due.offers(tx, limit=limit, write_budget=write_budget)
    return [offer.target_id for offer in offers]


@dataclass
class World:
    """A ledger, a stand-in GitHub in this process, and `reporter`, which sends from the one to the other.

    `open_surface` is called for each sender: what its reports show as, commit statuses by default.
    """

    ledger: Ledger
    clock: Clock
    github: FakeGitHub
    policy: Policy
    clients: AsyncExitStack
    now: Callable[[], datetime]
    open_surface: OpenSurface
    reporter: Reporter = field(init=False)
    tokens: dict[str, str] = field(default_factory=lambda: {CREDENTIAL: "a-token"})

    async def sender(self, step: Step = go_on, *, ledger: Ledger | None = None) -> Reporter:
        """Make another sender, whose effects call *step*; *ledger*: another connection to the same ledger."""
        own = ledger or self.ledger
        way = SteppedTransport(InProcessTransport(self.github), step)
        surface = await self.clients.enter_async_context(self.open_surface(self, way))
        stepped = SteppedLedger(*parts(own), step, actor=ACTOR, follow=own.follow)
        runs = CheckRuns("http://github.test", self.policy.timeout, self.now, way)
        return Reporter(stepped, surface, self.policy, self.token_of, lambda: 0.0, self.clock.sleep, runs=runs)

    async def token_of(self, name: str) -> str:
        if name not in self.tokens:
            raise NoCredential(f"{name} has no token")
        return self.tokens[name]

    def fault(self, kind: Kind, **fields: object) -> None:
        self.github.script.add(Fault.model_validate({"kind": kind, **fields}))

    def held(self, context: str = "docs/sphinx") -> list[str]:
        """The states that GitHub holds for a context, oldest first."""
        return [status.state for status in self.github.store.held() if status.context == context]

    def others_post(self, count: int, *, url: str | None = None, age: timedelta = timedelta(0)) -> None:
        """Add statuses of another tool to the commit, half of them with our context, state and description."""
        for number in range(count):
            context = "docs/sphinx" if number % 2 else f"ci/{number}"
            draft = Draft(
                repository="acme/site",
                sha=SHA,
                context=context,
                state="success",
                description="41 pages",
                target_url=url,
            )
            self.github.store.add(self.github.store.drafted(draft, after=-age))

    def posts(self) -> int:
        return self.asked("POST")

    def asked(self, method: str) -> int:
        """The number of requests of a method that GitHub has seen."""
        return sum(seen.method == method for seen in self.github.requests.seen)

    async def target_id(self, context: str = "docs/sphinx") -> int:
        return (await self.target(context)).id or 0

    async def target(self, context: str = "docs/sphinx") -> StatusTarget:
        found = select(StatusTarget).where(StatusTarget.context == context)
        return await self.ledger.read(lambda tx: tx.session.exec(found).one())

    async def newest(self, context: str = "docs/sphinx") -> RecordedReport:
        """The current report of a context."""
        return await self.ledger.read(reports.of_id, (await self.target(context)).newest_id or 0)

    async def reopen(self, context: str = "docs/sphinx", *, credential: str = CREDENTIAL) -> bool:
        """Reopen the current report of a context; whether it was rejected."""
        newest_id = (await self.target(context)).newest_id or 0
        return await self.ledger.write(reports.reopen, newest_id, credential=credential)

    async def deliver(
        self, context: str = "docs/sphinx", *, by: Reporter | None = None, only_if_due: bool = False
    ) -> Settled | Busy:
        """Make one attempt to deliver the current report of a context."""
        return await deliver(by or self.reporter, await self.target_id(context), only_if_due=only_if_due)

    async def reconcile(self, *, passes: int = 6, every: float = 20) -> None:
        """Deliver all due targets, *passes* times, advancing the clock after each."""
        for _ in range(passes):
            ids = await self.ledger.write(due_ids, limit=1000)
            for target_id in ids:
                await deliver(self.reporter, target_id, only_if_due=True)
            self.clock.advance(every)

    async def phases(self, context: str = "docs/sphinx") -> dict[str, Phase]:
        """The phase of each report of a context, by its state; of several with one state, that of the last recorded."""
        with self.ledger.transaction() as tx:
            found = select(StatusReport).join(StatusTarget).where(StatusTarget.context == context)
            reports = tx.session.exec(found.order_by(col(StatusReport.id)))
            return {report.state: availability.phase_of(tx, report.id or 0) for report in reports.all()}

    async def events(self, context: str = "docs/sphinx") -> list[str]:
        """The kinds of the events of the current report of a context, in order."""
        newest = (await self.target(context)).newest_id or 0
        return [event.kind.value for event in await self.ledger.read(events.of_report, newest)]


@asynccontextmanager
async def world_on(
    ledger: Ledger, clock: Clock, *, policy: Policy | None = None, github: FakeGitHub | None = None,
    now: Callable[[], datetime] | None = None, surface: OpenSurface = commit_statuses,
) -> AsyncIterator[World]:  # fmt: skip
    """Make a world around *ledger*.

    *github*: one that already holds statuses; *now*: the clock of the senders; *surface*: what reports show as.
    """
    github = github or FakeGitHub(clock=clock, sleep=clock.sleep)
    async with AsyncExitStack() as clients:
        policy = policy or Policy(first_delay=timedelta(seconds=2))
        world = World(ledger, clock, github, policy, clients, now or clock, surface)
        world.reporter = await world.sender()
        yield world
