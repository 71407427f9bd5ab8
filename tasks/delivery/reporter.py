"""What delivering needs: the ledger, a GitHub client, the policy and the tokens."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from domain.delivery.policy import Policy
from github_api.client import GitHub
from storage.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Reporter:
    """What delivering needs. `jitter` returns numbers from -1 to 1; `token_of` the token of a named credential."""

    ledger: Ledger
    github: GitHub
    policy: Policy
    token_of: Callable[[str], Awaitable[str]]
    jitter: Callable[[], float]
    actor: str
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    time: Callable[[], float] = time.monotonic
