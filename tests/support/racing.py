"""Starts many contenders at one moment, as tasks with connections of their own or as processes.

As a program it imports everything once and then forks the contenders: a fork takes milliseconds, an interpreter a
second. They open a ledger by its URL and use its own clock.
"""

import asyncio
import json
import os
import random
import sys
import traceback
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import UUID

import pytest
from full import FULL
from processes import process_of
from sqlalchemy import text
from waiting import until
from world import ACTOR, CREDENTIAL, accept, begin, end, order, run_job

from domain.delivery.budget import WriteBudget
from domain.delivery.outcome import Delivered, Exchange, NotSent, Outcome, Sent, Unknown
from domain.delivery.policy import Policy
from domain.delivery.settlement import Tries, settle
from domain.jobs.job_states import JobState
from domain.process.identity import Process
from github_api.commit_statuses import CommitStatuses
from storage.delivery import due, leases, settling
from storage.delivery.leases import Lease
from storage.jobs import jobs
from storage.ledger import Ledger, open_ledger
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

ROOT = Path(__file__).resolve().parents[2]
MANY = 20


class Race(Protocol):
    """Start *count* contenders at one moment; return the result of each."""

    async def __call__(self, name: str, url: str, *arguments: str, count: int = MANY) -> list[str]: ...


async def claims(ledger: Ledger, number: int, target_id: str) -> str:
    async with ledger.transaction() as session:
        now = await ledger.clock(session)
        lease = await leases.claim(
            session, int(target_id), only_if_due=False, policy=Policy(), actor=f"sender {number}", now=now
        )
    return "won" if lease else "lost"


async def probes(ledger: Ledger, number: int, *target_ids: str) -> str:
    return await claims(ledger, number, target_ids[number])


TEN = Policy(budget=WriteBudget(per_minute=10, per_hour=500))


async def spends(ledger: Ledger, number: int, *target_ids: str) -> str:
    """Eight requests at once, each for a target of its own, within a budget of ten; how many may leave."""
    mine = target_ids[8 * number : 8 * number + 8]
    claimed = await asyncio.gather(*(_claims_within(ledger, int(target_id)) for target_id in mine))
    may_leave = await asyncio.gather(*(_may_leave(ledger, lease) for lease in claimed if lease is not None))
    return str(sum(may_leave))


async def _claims_within(ledger: Ledger, target_id: int) -> Lease | None:
    async with ledger.transaction() as session:
        now = await ledger.clock(session)
        claim = partial(leases.claim, only_if_due=False, job_ends_now=True, policy=TEN, actor=ACTOR)
        return await claim(session, target_id, now=now)


async def _may_leave(ledger: Ledger, lease: Lease) -> bool:
    """Whether its request may leave; for a report in doubt this is asked once reading back has not found it."""
    if not lease.read_back:
        return True
    async with ledger.transaction() as session:
        now = await ledger.clock(session)
        return isinstance(await leases.renew_to_post(session, lease, policy=TEN, actor=ACTOR, now=now), Lease)


async def accepts(ledger: Ledger, number: int, flow_run_id: str) -> str:
    async with ledger.transaction() as session:
        now = await ledger.clock(session)
        asked = order(flow_run_id=UUID(flow_run_id))
        taken = await jobs.accept(session, asked, by=Process("boot", number, 1), actor=ACTOR, now=now)
    return type(taken).__name__


async def begins(ledger: Ledger, number: int, *job_ids: str) -> str:
    async with ledger.transaction() as session:
        now = await ledger.clock(session)
        return str(await jobs.begin(session, UUID(job_ids[number]), 1, now=now))


async def ends(ledger: Ledger, number: int, job_id: str) -> str:
    states = (JobState.SUCCEEDED, JobState.FAILED, JobState.CRASHED)
    async with ledger.transaction() as session:
        ended = await jobs.end(
            session, UUID(job_id), 1, states[number % 3], summary="over", exit_code=None,
            credential=CREDENTIAL, actor=ACTOR, now=await ledger.clock(session),
        )  # fmt: skip
    return "ended" if ended else "too late"


async def sends(ledger: Ledger, number: int, target_id: str, api_url: str) -> str:
    async def token_of(_: str) -> str:
        return "a-token"

    async with CommitStatuses(api_url, Policy().timeout, lambda: datetime.now(UTC)) as github:
        reporter = Reporter(ledger, github, Policy(), token_of, lambda: 0.0, f"sender {number}")
        return type(await deliver(reporter, int(target_id))).__name__


async def mixes(ledger: Ledger, number: int, rounds: str, contexts: str) -> str:
    """Run whole jobs on a few targets, and deliver their current reports, each contender in its own order."""
    chance = random.Random(number)  # noqa: S311  # the same mix every time
    for _ in range(int(rounds)):
        execution = await accept(ledger, order(f"docs/{chance.randrange(int(contexts))}"))
        await _attempt(ledger, chance)
        await begin(ledger, execution)
        await end(ledger, execution, chance.choice((JobState.SUCCEEDED, JobState.FAILED)))
        await _attempt(ledger, chance)
    return "done"


async def _attempt(ledger: Ledger, chance: random.Random) -> None:
    policy = Policy()
    async with ledger.transaction() as session:
        now = await ledger.clock(session)
        ids = await due.due(session, limit=5, now=now)
    if not ids:
        return
    async with ledger.transaction() as session:
        lease = await leases.claim(
            session, chance.choice(ids), only_if_due=True, policy=policy, actor=ACTOR, now=await ledger.clock(session)
        )
    if lease is None:
        return
    outcome: Outcome = chance.choice((Delivered(chance.getrandbits(40)), NotSent("refused"), Unknown("HTTP 502")))
    async with ledger.transaction() as session:
        now = await ledger.clock(session)
        settlement = settle(outcome, Tries(now), policy, now=now, jitter=0)
        await settling.settle(session, lease, settlement, Sent(outcome, Exchange()), actor=ACTOR, now=now)


CONTENDERS: dict[str, Callable[..., Awaitable[str]]] = {
    contender.__name__: contender for contender in (claims, probes, spends, accepts, begins, ends, sends, mixes)
}


async def _contend(
    name: str, url: str, arguments: tuple[str, ...], number: int, go: Callable[[], Awaitable[object]]
) -> str:
    if name == "opens":
        await go()
        async with open_ledger(url):
            return "opened"
    async with open_ledger(url) as ledger:
        await ledger.now()  # connected
        await go()
        return await CONTENDERS[name](ledger, number, *arguments)


async def from_connections(name: str, url: str, *arguments: str, count: int = MANY) -> list[str]:
    """The contenders as tasks, each with an engine of its own."""
    barrier = asyncio.Barrier(count)
    return await asyncio.gather(*(_contend(name, url, arguments, n, barrier.wait) for n in range(count)))


async def from_processes(name: str, url: str, *arguments: str, count: int = MANY) -> list[str]:
    """The contenders as processes."""
    env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"}
    command = (sys.executable, __file__, name, url, str(count), *arguments)
    async with process_of(*command, stdout=PIPE, env=env) as process:
        printed, _ = await process.communicate()
    assert process.returncode == 0, "a contender failed; its traceback is above"
    results: list[str] = json.loads(printed)
    return results


RACES = pytest.mark.parametrize(
    ("database", "race"),
    [(database, race) for database in ("sqlite", "postgresql") for race in (from_connections, from_processes)]
    if FULL
    else [("sqlite", from_processes), ("postgresql", from_connections)],
)
"""SQLite locks between processes, PostgreSQL between connections; `make repeat` runs each both ways."""


async def until_a_lock_is_waited_for(ledger: Ledger) -> None:
    """Return once a PostgreSQL connection waits for a lock; on SQLite a writer waits for the whole ledger anyway.

    Raises:
        AssertionError: none does.
    """
    if ledger.engine.dialect.name == "postgresql":
        waits = text(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        async with ledger.engine.connect() as connection:

            async def is_waited_for() -> bool:
                found = await connection.scalar(waits)
                await connection.rollback()
                return bool(found)

            await until(is_waited_for, what="a transaction that waits for a lock")


async def _warm_up() -> None:
    """Open a ledger, so that what is imported and configured by need is so once for all contenders."""
    with TemporaryDirectory(prefix="reportback-race-") as folder:
        async with open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
            await run_job(ledger, order())


def _main(name: str, url: str, count: str, *arguments: str) -> None:
    asyncio.run(_warm_up())
    go, start = os.pipe()
    ready, is_ready = os.pipe()
    results, result = os.pipe()
    children = []
    for number in range(int(count)):
        if (child := os.fork()) == 0:
            os.close(start)
            _child(name, url, arguments, number, go=go, is_ready=is_ready, result=result)
        children.append(child)
    for descriptor in (is_ready, result):
        os.close(descriptor)
    _read(ready, int(count))
    os.close(start)  # and all are off
    lines = _read(results).decode().splitlines()
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    print(json.dumps(lines))  # noqa: T201  # its result
    sys.exit(bool(failed))


def _read(descriptor: int, most: int | None = None) -> bytes:
    """Read until the last writer has closed, or *most* bytes."""
    read = b""
    while most is None or len(read) < most:
        if not (part := os.read(descriptor, 4096)):
            break
        read += part
    return read


def _child(
    name: str, url: str, arguments: tuple[str, ...], number: int, *, go: int, is_ready: int, result: int
) -> None:
    async def wait() -> None:
        os.write(is_ready, b"1")
        os.read(go, 1)  # end of file: the parent has closed its end

    try:
        os.write(result, f"{asyncio.run(_contend(name, url, arguments, number, wait))}\n".encode())
        os._exit(0)
    except BaseException:  # noqa: BLE001  # a forked child must not run on into its parent's code
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    _main(*sys.argv[1:])
