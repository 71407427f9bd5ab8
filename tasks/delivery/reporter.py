"""What delivering needs: the ledger, a surface of GitHub, the policy and the secrets."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from domain.delivery.credential_name import client_id_of
from domain.delivery.outcome import StaleToken
from domain.delivery.policy import Policy
from domain.delivery.surface import RunSurface, Surface
from github_api.apps import STATUSES, Permissions
from github_api.credentials import secret_behind
from storage.ledger import Ledger
from tasks.delivery.app_tokens import AccessToken, AppTokens

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reporter:
    """What delivering needs. `jitter` returns numbers from -1 to 1.

    `surface` shows reports as statuses, `runs` as check runs, which only Apps may write.
    `secret_of` returns the secret of a named credential, a token or an App's private key; `apps` makes Apps' tokens.
    """

    ledger: Ledger
    surface: Surface
    policy: Policy
    secret_of: Callable[[str], Awaitable[str]]
    jitter: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    time: Callable[[], float] = time.monotonic
    apps: AppTokens | None = None
    runs: RunSurface | None = None

    @property
    def check_runs(self) -> RunSurface:
        """The surface of check runs."""
        assert self.runs is not None  # opened with the other one
        return self.runs

    async def token_of(self, name: str, repository: str, permissions: Permissions = STATUSES) -> AccessToken:
        """The token of the credential *name* for *repository*: an App's has *permissions* alone.

        Raises:
            NoCredential: there is none now; nothing can be sent.
        """
        secret = await self.secret_of(name)
        if client_id_of(name) is None:
            return AccessToken(secret, secret_behind(secret))
        assert self.apps is not None  # opened with the surface
        return await self.apps.token(name, secret, repository, permissions)

    def judged(self, token: AccessToken, outcome: T) -> T | StaleToken:
        """*outcome*, of a request with *token*: see `AppTokens.judged`."""
        return outcome if self.apps is None else self.apps.judged(token, outcome)

    def acting_as(self, actor: str) -> "Reporter":
        """The same, appearing as *actor* in the history of reports."""
        return replace(self, ledger=replace(self.ledger, actor=actor))
