"""Drills of an installation: something fails, it is seen, what the docs say is typed, it heals. With a stopwatch.

A drill ends as a row of the table that `make drills` prints: by what it was seen, and in how many seconds; the commands
typed; the seconds from the end of the cause to the last outcome on its commit.
"""

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

import yaml  # type: ignore[import-untyped]  # it ships no types
from e2e_rig import INTERVAL, Rig
from e2e_run import STARTS, Run
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from real_processes import ROOT
from waiting import until

from domain.operations.metrics import Snapshot
from domain.operations.status_page import KEY
from local import stack
from storage.ledger import Ledger
from storage.operations import metrics
from tasks.operations.metric_families import registry_of

SEEN = STARTS + 3 * INTERVAL
"""Seconds within which a failure is seen: a flow run starts, and some reconciliation runs later."""

HEALED = STARTS + 4 * INTERVAL


@dataclass
class Drill:
    """One failure, from its beginning to its last consequence. `scaled`: how long it lasts instead of as in `name`."""

    name: str
    scaled: str = ""
    sign: str = ""
    commands: list[str] = field(default_factory=list)
    seen_after: float | None = None
    healed_after: float | None = None
    since: float = field(default_factory=time.monotonic)

    def begins(self) -> None:
        """The failure begins now."""
        self.since = time.monotonic()

    def mended(self) -> None:
        """Its cause ends now: what is left to heal is counted from here."""
        self.since = time.monotonic()

    async def lasts(self, seconds: float) -> None:
        """Wait until it has lasted for so long."""
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - self.since)))

    async def alert(self, name: str, ledger: Ledger, holds: Callable[["Samples"], bool]) -> None:
        """Wait until the condition of the alert *name* holds, its waiting time aside: in the metrics of *ledger*."""
        assert name in alerts(), name

        async def has_come() -> bool:
            return holds(Samples(await ledger.read(metrics.snapshot)))

        await self.seen(has_come, name)

    async def on_page(self, rig: Rig, words: str) -> None:
        """Wait until the operator's page in Prefect says *words*."""

        async def says_so() -> bool:
            return words in await operators_page(rig)

        await self.seen(says_so, f"page: {words}")

    async def seen(self, holds: Callable[[], Awaitable[bool]], sign: str, *, within: float = SEEN) -> None:
        """Wait until *holds*, which is what an operator sees of it; *sign* says in words what that is."""
        await until(holds, within=within, what=f"{self.name}: {sign}")
        self.sign, self.seen_after = sign, time.monotonic() - self.since

    async def healed(self, *waited_for: Awaitable[object]) -> None:
        """Wait for all that shows that nothing is left of it."""
        await asyncio.gather(*waited_for)
        self.healed_after = time.monotonic() - self.since

    async def types(self, *words: str, env: Mapping[str, str], exits: int = 0) -> str:
        """Type `reportback` and *words* in a shell with the variables *env*; return what it prints."""
        self.commands.append(f"reportback {' '.join(words)}")
        code, said = await typed(*words, env=env)
        assert code == exits, f"{self.commands[-1]}: {code}\n{said}"
        return said

    def does(self, what: str) -> None:
        """Note something else that the cure asks a person to do."""
        self.commands.append(what)

    def row(self) -> tuple[str, ...]:
        """Its row of the table."""
        name = f"{self.name} ({self.scaled})" if self.scaled else self.name
        commands = "; ".join(self.commands) or "none"
        return name, self.sign or "not seen", _seconds(self.seen_after), commands, _seconds(self.healed_after)


def _seconds(passed: float | None) -> str:
    return "-" if passed is None else f"{passed:.0f}"


DRILLS: list[Drill] = []
"""All that were begun, in order."""


def drill(name: str, scaled: str = "") -> Drill:
    """Begin a drill."""
    DRILLS.append(Drill(name, scaled))
    return DRILLS[-1]


def table() -> list[str]:
    """The drills as a table in Markdown, and how many there are, were seen and healed."""
    heads = ("drill", "seen by", "s", "typed", "s to healed")
    rows = [heads, tuple("---" for _ in heads), *(one.row() for one in DRILLS)]
    seen = sum(one.seen_after is not None for one in DRILLS)
    healed = sum(one.healed_after is not None for one in DRILLS)
    return [*(f"| {' | '.join(row)} |" for row in rows), f"{len(DRILLS)} drills, {seen} seen, {healed} healed"]


class Samples:
    """The metrics of a snapshot, by name."""

    def __init__(self, shown: Snapshot) -> None:
        self._all = [sample for family in registry_of(shown).collect() for sample in family.samples]

    def values(self, name: str, **labels: str) -> list[float]:
        """The values of the samples *name* with these labels."""
        return [one.value for one in self._all if one.name == name and labels.items() <= one.labels.items()]

    def total(self, name: str, **labels: str) -> float:
        """The sum of `values`."""
        return sum(self.values(name, **labels))


async def typed(*words: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and output of `reportback` with *words* in a shell with the variables *env*."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *stack.COMMAND, *words, cwd=ROOT, env=dict(env), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode is not None  # it has ended
    return process.returncode, said


async def shows(run: Run, state: str) -> bool:
    """Whether the job's commit shows *state*, at any place."""
    return state in await run.states()


async def seconds_since_a_pass(ledger: Ledger) -> float:
    """How long ago the last reconciliation run of *ledger* succeeded."""
    shown = Samples(await ledger.read(metrics.snapshot))
    return time.time() - max(shown.values("reportback_reconcile_last_success_timestamp_seconds"), default=0)


@cache
def alerts() -> frozenset[str]:
    """The names of all alerts."""
    groups = yaml.safe_load((ROOT / "ops" / "prometheus" / "rules.yml").read_text(encoding="utf-8"))["groups"]
    return frozenset(rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule)


async def operators_page(rig: Rig) -> str:
    """The Markdown of the operator's page, empty before the first reconciliation run."""
    async with PrefectClient(rig.api_url) as client:
        found = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[KEY])))
    return str(found[0].data) if found else ""
