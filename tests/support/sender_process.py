"""Senders in processes of their own that a signal stops at one of their effects. Real ledger, real socket.

    sender_process.py lives LEDGER API FIRST EVERY  a child for each place where a process can be killed, or for every
                                                    so many-th from FIRST on, until one lives; each carries out a job,
                                                    and kills itself at its place
    sender_process.py freezes LEDGER API FIRST EVERY
                                                    the same, but a child stops itself within a transaction, until a
                                                    neighbour with the same credential has delivered an outcome
    sender_process.py sends LEDGER API TARGET...    tries once to deliver these targets, all at once
    sender_process.py stops LEDGER API TARGET...    the same, but stops itself when all are about to send

The first two import everything once and fork: that takes milliseconds, an interpreter a second. They print where
the first lived, or for how many seconds each neighbour was held up.
"""

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from time import monotonic
from uuid import UUID

from check_worlds import checked, output
from ledger_jobs import ACTOR, ME, begin, end, order, recorded
from steps import AtEffect, Step, SteppedLedger, SteppedTransport, go_on, parts

from domain.delivery.policy import Policy
from domain.jobs.execution import Done, Execution, Order
from github_api.check_runs import CheckRuns
from github_api.commit_statuses import CommitStatuses
from github_api.transport import transport_to
from storage import engines
from storage.jobs import jobs
from storage.ledger import LedgerUnavailable, open_ledger
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

APP_TOKEN = "REPORTBACK_TEST_APP_TOKEN"
"""With this set to an App's token, jobs report as check runs."""


@dataclass
class Later:
    """The time of this machine plus the time that a test has skipped."""

    by: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.by

    def of_ledger(self, _: object) -> datetime:
        return self()

    def pass_by(self, seconds: float) -> None:
        self.by += timedelta(seconds=seconds)


@asynccontextmanager
async def sender(url: str, api_url: str, time: Later, step: Step = go_on) -> AsyncIterator[Reporter]:
    """A sender that reaches its GitHub over a socket."""

    async def token_of(_: str) -> str:
        return os.environ.get(APP_TOKEN, "a-token")

    policy = Policy()
    way = SteppedTransport(transport_to(api_url), step)
    async with (
        open_ledger(url, clock=time.of_ledger) as ledger,
        CommitStatuses(api_url, policy.timeout, time, way) as github,
    ):
        runs, stepped = CheckRuns(api_url, policy.timeout, time, way), SteppedLedger(*parts(ledger), step, actor=ACTOR)
        yield Reporter(stepped, github, policy, token_of, lambda: 0.0, runs=runs)


def job(number: int) -> Order:
    asked = order(f"docs/{number}", flow_run_id=UUID(int=number + 1), sha=f"{number:040x}")
    return checked(asked) if APP_TOKEN in os.environ else asked


async def life(process: Reporter, asked: Order, time: Later) -> None:
    """Run a job unless it has succeeded, and attempt its outcome twice, the second time after a doubt."""
    taken = await process.ledger.write(jobs.accept, asked, by=ME)
    if isinstance(taken, Done):
        return
    assert isinstance(taken, Execution)
    await begin(process.ledger, taken)
    report = recorded(await end(process.ledger, taken, output=output()))
    await deliver(process, report.target_id)
    time.pass_by(20)
    await deliver(process, report.target_id)


AWAY = 3
"""The exit code of a child whose ledger was unavailable."""

WARM_UP = 1_000
"""The number of a job that is not killed."""


async def _live(number: int, url: str, api_url: str, step: Step = go_on) -> None:
    time = Later()
    async with sender(url, api_url, time, step) as process:
        await life(process, job(number), time)


def _lives(url: str, api_url: str, first: int, every: int) -> None:
    asyncio.run(_live(WARM_UP, url, api_url))  # what is loaded and configured by need, once for all children
    for number in count(first, every):
        if (child := os.fork()) == 0:
            os._exit(_child(number, url, api_url, AtEffect(number, partial(_signal_itself, signal.SIGKILL))))
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            print(number)  # noqa: T201  # its result: where none dies any more
            sys.exit(os.waitstatus_to_exitcode(status))


def _freezes(url: str, api_url: str, first: int, every: int) -> None:
    asyncio.run(_live(WARM_UP, url, api_url))
    held_up = list[float]()
    for number in count():
        if (child := os.fork()) == 0:
            engines.IDLE_WAIT = 1.0  # seconds, so that one that froze is noticed soon
            frozen = AtEffect(first + every * len(held_up), partial(_signal_itself, signal.SIGSTOP), ("commit",))
            os._exit(_child(number, url, api_url, frozen))
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            held_up.append(_seconds_of_a_neighbour(child, WARM_UP + 1 + number, url, api_url))
            status = os.waitpid(child, 0)[1]
        elif os.waitstatus_to_exitcode(status) == 0:
            print(json.dumps(held_up))  # noqa: T201  # its result
            return
        if (code := os.waitstatus_to_exitcode(status)) not in (0, AWAY):  # 0: it held nothing up
            sys.exit(code)


def _signal_itself(number: signal.Signals, _: str) -> None:
    os.kill(os.getpid(), number)


def _seconds_of_a_neighbour(child: int, number: int, url: str, api_url: str) -> float:
    """Seconds that a job takes while a child is stopped; the child is resumed afterwards."""
    try:
        began = monotonic()
        asyncio.run(_live(number, url, api_url))
        return monotonic() - began
    finally:
        os.kill(child, signal.SIGCONT)


def _child(number: int, url: str, api_url: str, step: Step) -> int:
    try:
        asyncio.run(_live(number, url, api_url, step))
    except LedgerUnavailable:
        return AWAY
    except BaseException:  # noqa: BLE001  # a forked child must not run on into its parent's code
        traceback.print_exc()
        return 1
    return 0


async def _send(url: str, api_url: str, *target_ids: int, stop: bool) -> None:
    """Deliver all targets; if *stop*, stop this process when the last one is about to send."""
    ready = asyncio.Barrier(len(target_ids))

    async def together(name: str) -> None:
        if name == "POST" and await ready.wait() == ready.parties - 1 and stop:
            os.kill(os.getpid(), signal.SIGSTOP)

    async with sender(url, api_url, Later(), together) as process:
        await asyncio.gather(*(deliver(process, target_id) for target_id in target_ids))


def _main(what: str, url: str, api_url: str, *numbers: str) -> None:
    if what == "lives":
        _lives(url, api_url, *map(int, numbers))
    elif what == "freezes":
        _freezes(url, api_url, *map(int, numbers))
    else:
        asyncio.run(_send(url, api_url, *map(int, numbers), stop=what == "stops"))


if __name__ == "__main__":
    _main(*sys.argv[1:])
