"""What delivering needs: the ledger, a surface of GitHub, the policy and the tokens."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from domain.delivery.policy import Policy
from domain.delivery.surface import Surface
from storage.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Reporter:
    """What delivering needs. `jitter` returns numbers from -1 to 1; `token_of` the token of a named credential."""

    ledger: Ledger
    surface: Surface
    policy: Policy
    token_of: Callable[[str], Awaitable[str]]
    jitter: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    time: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        """Refuse a surface whose updates no row of the ledger could say."""
        if self.surface.kind.updates:
            raise ValueError(f"a {self.surface.kind.name} is updated, and a delivery only creates: see `deliver`")

    def acting_as(self, actor: str) -> "Reporter":
        """The same, appearing as *actor* in the history of reports."""
        return replace(self, ledger=replace(self.ledger, actor=actor))
