"""Delivery in scaled-down real time, on real sockets to a stand-in in a process of its own.

All times of docs/guarantee.md are scaled by the same factor, on both sides.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from ledger_jobs import order, run_job
from sqlmodel import select

from domain.delivery.policy import Policy
from domain.delivery.report import Phase
from domain.jobs.execution import Execution
from domain.jobs.job_states import JobState
from fake_github.process import StandIn
from github_api.commit_statuses import CommitStatuses
from storage.delivery.availability import Settled
from storage.ledger import Ledger, open_ledger
from storage.models import StatusTarget
from tasks.delivery.deliver import deliver
from tasks.delivery.reporter import Reporter

SHORTEST, LONGEST = 0.12, 0.6
OURS = 1.5
"""The load average per core that the suite itself causes."""


def _second() -> float:
    """Longer on a busy machine: work that must happen within a second needs its share of a core."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return min(max(SHORTEST, SHORTEST * load / OURS), LONGEST)


SECOND = float(os.environ.get("REPORTBACK_TEST_SECOND") or _second())
"""Real seconds for a second of GitHub's and of the policy's. 1 is real time."""

SCALED = Policy(
    lease=timedelta(seconds=30 * SECOND),
    timeout=timedelta(seconds=15 * SECOND),
    settle_after=timedelta(seconds=20 * SECOND),
    first_delay=timedelta(seconds=2 * SECOND),
)
GITHUB_WORKS = 10
"""Seconds for which GitHub may go on working on an abandoned request."""

READS_LAG = 5
TASK_RETRIES = (0, 1, 2, 4, 8, 16)
"""Delays before the attempts of the task `report_status`."""

LATER = 12
"""Seconds between further attempts, as a reconciliation makes them."""


def new_commit() -> str:
    """A commit used by no other test."""
    return f"{uuid4().hex}{'0' * 8}"


async def seconds(number: float) -> None:
    """Wait for so many seconds of GitHub's."""
    await asyncio.sleep(number * SECOND)


async def _token_of(_: str) -> str:
    return "a-token"


def reporter(ledger: Ledger, github: CommitStatuses) -> Reporter:
    """A sender with the scaled times."""
    return Reporter(ledger, github, SCALED, _token_of, lambda: 0.0)


@dataclass(frozen=True, slots=True)
class Wire:
    """Senders on real sockets to a stand-in process, and queries of what it holds."""

    ledger: Ledger
    stand_in: StandIn
    github: CommitStatuses

    async def fault(self, sha: str, kind: str, **fields: object) -> None:
        """Script a fault for requests about one commit; its times are GitHub's seconds."""
        scaled = {name: value * SECOND for name in ("seconds", "stored_after") if (value := fields.get(name))}  # type: ignore[operator]  # numbers
        await self.stand_in.fault(kind, sha=sha, **{**fields, **scaled})

    async def job(self, sha: str, state: JobState = JobState.SUCCEEDED) -> Execution:
        """Run a job for a commit to its end."""
        return await run_job(self.ledger, order(sha=sha), state)

    async def target_id(self, sha: str) -> int:
        with self.ledger.transaction() as tx:
            return tx.session.exec(select(StatusTarget.id).where(StatusTarget.sha == sha)).one() or 0

    async def deliver(self, sha: str, *, by: CommitStatuses | None = None) -> Phase | None:
        """Make one attempt, perhaps by another client; return the report's phase, or None if none was claimed."""
        result = await deliver(reporter(self.ledger, by or self.github), await self.target_id(sha))
        return result.phase if isinstance(result, Settled) else None

    async def deliver_until_settled(self, sha: str, *, by: CommitStatuses | None = None) -> Phase:
        """Attempt delivery as the task does, then as a reconciliation does."""
        for wait in (*TASK_RETRIES, *[LATER] * 20):
            await seconds(wait)
            phase = await self.deliver(sha, by=by)
            if phase in (Phase.DELIVERED, Phase.REJECTED):
                return phase
        raise TimeoutError(sha)

    async def held(self, sha: str) -> list[str]:
        """The states GitHub holds for a commit, oldest first."""
        return (await self.all_held()).get(sha, [])

    async def all_held(self) -> dict[str, list[str]]:
        """The states GitHub holds, by their commits, oldest first."""
        found: dict[str, list[str]] = {}
        for status in await self.stand_in.statuses():
            found.setdefault(str(status["sha"]), []).append(str(status["state"]))
        return found

    async def asked(self, method: str) -> Counter[str]:
        """The number of requests of a method that the stand-in has seen, by commit."""
        seen = await self.stand_in.requests()
        parts = (str(one["path"]).split("/") for one in seen if one["method"] == method)
        return Counter(part for path in parts for part in path if len(part) == 40)


@asynccontextmanager
async def wire_to(stand_in: StandIn, ledger_url: str) -> AsyncIterator[Wire]:
    """Make senders to *stand_in* from the ledger at *ledger_url*, which uses its own clock."""
    async with open_ledger(ledger_url) as ledger, client(stand_in.url) as github:
        yield Wire(ledger, stand_in, github)


def client(url: str, transport: httpx.AsyncBaseTransport | None = None) -> CommitStatuses:
    """The client, with the scaled deadline."""
    return CommitStatuses(url, SCALED.timeout, lambda: datetime.now(UTC), transport)
