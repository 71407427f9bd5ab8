"""What racing contenders do: claim, spend a budget, accept, begin, end, send, or a mix of whole jobs."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from ledger_jobs import CREDENTIAL, accept, begin, end, order
from world import due_ids

from domain.delivery.budget import WriteBudget
from domain.delivery.outcome import Delivered, Exchange, NotSent, Outcome, Sent, Unknown
from domain.delivery.policy import Policy
from domain.delivery.settlement import Tries, settle
from domain.jobs.job_states import JobState
from domain.process.identity import Process
from github_api.commit_statuses import CommitStatuses
from storage.delivery import leases, settling
from storage.delivery.leases import Lease
from storage.jobs import jobs, never_started
from storage.ledger import Ledger
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter


async def claims(ledger: Ledger, number: int, target_id: str) -> str:
    sender = replace(ledger, actor=f"sender {number}")
    lease = await sender.write(leases.claim, int(target_id), only_if_due=False, policy=Policy())
    return "won" if isinstance(lease, Lease) else "lost"


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
    claimed = await ledger.write(leases.claim, target_id, only_if_due=False, job_ends_now=True, policy=TEN)
    return claimed if isinstance(claimed, Lease) else None


async def _may_leave(ledger: Ledger, lease: Lease) -> bool:
    """Whether its request may leave; for a report in doubt this is asked once reading back has not found it."""
    if not lease.read_back:
        return True
    return isinstance(await ledger.write(leases.renew_to_post, lease, policy=TEN), Lease)


async def accepts(ledger: Ledger, number: int, flow_run_id: str) -> str:
    asked = order(flow_run_id=UUID(flow_run_id))
    taken = await ledger.write(jobs.accept, asked, by=Process("boot", number, 1))
    return type(taken).__name__


async def starts_or_is_dead(ledger: Ledger, number: int, flow_run_id: str) -> str:
    """Every other contender accepts the flow run's job; the others record it as one that never started."""
    if number % 2:
        return await accepts(ledger, number, flow_run_id)
    with ledger.transaction() as tx:
        asked = order(flow_run_id=UUID(flow_run_id))
        return str(never_started.record(tx, asked, asked_at=tx.now - timedelta(minutes=1), words="it died"))


async def begins(ledger: Ledger, number: int, *job_ids: str) -> str:
    return str(await ledger.write(jobs.begin, UUID(job_ids[number]), 1))


async def ends(ledger: Ledger, number: int, job_id: str) -> str:
    states = (JobState.SUCCEEDED, JobState.FAILED, JobState.CRASHED)
    ended = await ledger.write(
        jobs.end, UUID(job_id), 1, states[number % 3], summary="over", exit_code=None, credential=CREDENTIAL
    )
    return "ended" if ended else "too late"


async def sends(ledger: Ledger, number: int, target_id: str, api_url: str) -> str:
    async def token_of(_: str) -> str:
        return "a-token"

    async with CommitStatuses(api_url, Policy().timeout, lambda: datetime.now(UTC)) as github:
        reporter = Reporter(replace(ledger, actor=f"sender {number}"), github, Policy(), token_of, lambda: 0.0)
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
    ids = await ledger.write(due_ids, limit=5)
    if not ids:
        return
    lease = await ledger.write(leases.claim, chance.choice(ids), only_if_due=True, policy=policy)
    if not isinstance(lease, Lease):
        return
    outcome: Outcome = chance.choice((Delivered(chance.getrandbits(40)), NotSent("refused"), Unknown("HTTP 502")))
    with ledger.transaction() as tx:
        settlement = settle(outcome, Tries(tx.now), policy, now=tx.now, jitter=0)
        settling.settle(tx, lease, settlement, Sent(outcome, Exchange()))


CONTENDERS: dict[str, Callable[..., Awaitable[str]]] = {
    contender.__name__: contender
    for contender in (claims, probes, spends, accepts, starts_or_is_dead, begins, ends, sends, mixes)
}
