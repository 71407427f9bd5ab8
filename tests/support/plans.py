"""Plans of faults for a sender: held at an effect while others go on, killed, or met by a GitHub fault."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx
from hypothesis import strategies as st
from steps import Died
from world import Clock

from fake_github.faults import Kind
from fake_github.requests import Seen

STORED_LATE: tuple[dict[str, object], ...] = (
    {"kind": Kind.CLOSE, "stored_after": 10},
    {"kind": Kind.SERVER_ERROR, "stored_after": 9, "status": 504},
    {"kind": Kind.HANG, "seconds": 14},
)
"""Requests stored after their reply or error: what most rules of delivery guard against."""

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
"""The last effect of a simple delivery before its request leaves; the first is the claim."""

EFFECTS = (
    ("committed", 1), LAST_LOOK, LAST_LOOK, ("POST", 1), ("POST answered", 1), ("POST answered", 1), ("commit", 3),
    ("commit", 1), ("committed", 3), ("GET", 1), ("GET answered", 1), ("commit", 5), ("committed", 5), ("committed", 6),
)  # fmt: skip
"""Where a sender may be held or die: the n-th effect of a name. A reconciliation run has more than a delivery."""


class Act(StrEnum):
    """What happens to a sender at an effect."""

    GO_ON = "go on"
    HOLD = "hold"  # it waits until it is released
    CRASH = "crash"  # its process ends
    REFUSE = "refuse"  # its next connection is refused


@dataclass(frozen=True, slots=True)
class Plan:
    """Do *act* at the effect *at*, with a *fault* at GitHub."""

    act: Act = Act.GO_ON
    at: tuple[str, int] = LAST_LOOK
    fault: dict[str, object] | None = None


ACTS = (Act.GO_ON, Act.HOLD, Act.HOLD, Act.CRASH, Act.REFUSE)
FAULTY = st.none() | st.sampled_from(STORED_LATE) | st.sampled_from(FAULTS)
PLANS = st.builds(Plan, st.sampled_from(ACTS), st.sampled_from(EFFECTS), FAULTY)


class Sender:
    """The step of a sender that follows a plan; its effects may be concurrent."""

    def __init__(self, clock: Clock, plan: Plan, seen: Sequence[Seen]) -> None:
        self.overslept: list[int] = []  # indexes in *seen* of requests sent after being held past the last check
        self._held = asyncio.Event()
        self._task: asyncio.Task[object] | None = None
        self._clock, self._plan, self._act = clock, plan, Act.GO_ON
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
                raise Died(name)
            case Act.REFUSE if name in ("POST", "GET"):
                self._act = Act.GO_ON
                raise httpx.ConnectError("connection refused")
            case Act.HOLD if name != "commit":  # there it would hold the ledger, too
                self._act = Act.GO_ON
                await self._stand_still()

    async def _stand_still(self) -> None:
        began = self._clock.now
        self._held.set()
        await self._gate.wait()
        if self._clock.now > began:
            self._rested.add(asyncio.current_task())

    @property
    def is_held(self) -> bool:
        """Whether it is held. A deadline ends that by itself."""
        return self._task is not None and not self._task.done()

    async def work(self, work: Coroutine[Any, Any, object]) -> None:
        """Run *work* until it ends or is held."""
        self._task = asyncio.create_task(work)
        is_held = asyncio.create_task(self._held.wait())
        await asyncio.wait((self._task, is_held), return_when=asyncio.FIRST_COMPLETED)
        is_held.cancel()
        if self._task.done():
            _raise_unless_crash(self._task)

    async def release(self, *, crash: bool = False) -> None:
        """Let it go on to its end, or crash where it is held, unless a deadline has ended that already."""
        assert self._task is not None
        if crash:
            self._act = Act.CRASH
            self._task.cancel()
        self._gate.set()
        await asyncio.wait([self._task])
        _raise_unless_crash(self._task)


def _raise_unless_crash(task: asyncio.Task[object]) -> None:
    with suppress(Died, asyncio.CancelledError):
        task.result()
