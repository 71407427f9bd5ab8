"""Makes and remembers the tokens of GitHub Apps, for the life of this process: they are stored nowhere."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeVar

from domain.delivery.credential_name import client_id_of
from domain.delivery.outcome import (
    Exchange,
    NoToken,
    NotSent,
    Reason,
    Rejected,
    StaleToken,
    Throttled,
    Unknown,
    note_of,
)
from github_api.apps import AppKey, Apps, Minted, Permissions, Place, Refused
from github_api.credentials import NoCredential, secret_behind

MOST_OF_ITS_LIFE = 5 / 6
"""After so much of it a token is replaced: with ten minutes left of the hour, in which a checkout ends."""
LONGEST = timedelta(seconds=15)
"""How long making a token may take: a lease lasts for 30 s, and its request may take 15."""
KEPT_REFUSALS = timedelta(seconds=30)
"""How long a refusal to make a token is not asked about again: hundreds of reports may be due at once."""
NEW = timedelta(seconds=6)
"""A new token may be refused for so long, as GitHub's replicas lag: https://github.com/octokit/auth-app.js/issues/65"""
MAY_BE_STALE = (Reason.BAD_CREDENTIALS, Reason.SUSPENDED, Reason.NO_PERMISSION, Reason.NOT_FOUND)
"""Why GitHub may refuse a token that it has made: it was revoked, or the installation was changed."""
MOST_REFUSED = 1
"""After so many tokens in a row that GitHub has never accepted, the App's key pauses."""

T = TypeVar("T")
R = TypeVar("R", bound=Rejected | Throttled | NotSent)


class NotMinted(NoCredential):
    """No token can be made for an App now. `outcome` says what that means for a report."""

    def __init__(self, refused: Refused, secret: str) -> None:
        super().__init__(note_of(refused.outcome))
        self.outcome = refused.outcome
        self.exchange = refused.exchange
        self.secret = secret


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token to send requests with. `secret`: the fingerprint of the secret behind it."""

    value: str = field(repr=False)
    secret: str


@dataclass(frozen=True, slots=True)
class _Key:
    """What a token is for."""

    name: str
    secret: str
    repository: str
    permissions: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Made:
    """A token that was made `at` a time of this process's own clock. `refused`: how often, before it was accepted."""

    key: _Key
    value: str = field(repr=False)
    at: float
    lifetime: float
    is_current: bool = True
    refused: int = 0


class AppTokens:
    """The installation tokens of this process, used with `async with`.

    A token is for one repository and one use. All who need one at once wait for one request; GitHub's clock alone
    counts its life, and this process's own clock measures it.
    """

    def __init__(self, connect: Callable[[], Apps], now: Callable[[], float] = time.monotonic) -> None:
        """*connect* is called when the first token is needed."""
        self._connect = connect
        self._now = now
        self._github: Apps | None = None
        self._open = AsyncExitStack()
        self._made: dict[str, _Made] = {}
        self._making: dict[_Key, asyncio.Task[_Made | Refused]] = {}
        self._refusals: dict[_Key, tuple[float, Refused]] = {}
        self._places: dict[tuple[str, str], Place] = {}
        self._unaccepted: dict[_Key, int] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._making.values():
            task.cancel()
        await asyncio.gather(*self._making.values(), return_exceptions=True)
        await self._open.aclose()

    async def token(self, name: str, key: str, repository: str, permissions: Permissions) -> AccessToken:
        """The token of the App *name*, whose private key is *key*, for *repository* with *permissions*.

        Raises:
            NotMinted: GitHub makes none now.
        """
        wanted = _Key(name, secret_behind(key), repository.lower(), tuple(sorted(permissions.items())))
        held = self._held(wanted)
        if held is not None and self._now() < held.at + MOST_OF_ITS_LIFE * held.lifetime:
            return AccessToken(held.value, wanted.secret)
        made = self._recently_refused(wanted) or await self._make(
            wanted, AppKey(client_id_of(name) or "", key), repository
        )
        if isinstance(made, _Made):
            return AccessToken(made.value, wanted.secret)
        if (
            held is not None
            and isinstance(made.outcome, NotSent)
            and self._now() < held.at + held.lifetime - NEW.seconds
        ):
            return AccessToken(held.value, wanted.secret)
        raise NotMinted(made, wanted.secret)

    def judged(self, token: AccessToken, outcome: T) -> T | StaleToken:
        """*outcome*, of a request with *token*; as StaleToken if the App's next token will show what it means.

        An unknown token is tried again in a moment if it is new. It is replaced otherwise, as one that may do less than
        when it was made: GitHub's answer to that request says why. If it refuses the next token as well, *outcome*
        stays.
        """
        made = self._made.get(token.value)
        if made is None or isinstance(outcome, Unknown):
            return outcome
        if isinstance(outcome, Rejected | Throttled | NotSent) and outcome.reason in MAY_BE_STALE:
            return self._refused(made, outcome)
        if not isinstance(outcome, NotSent):
            self._unaccepted.pop(made.key, None)
        return outcome

    def _refused(self, made: _Made, outcome: R) -> R | StaleToken:
        why = f"GitHub refused the App's token: {note_of(outcome)}"
        is_unknown = isinstance(outcome, Throttled)
        if is_unknown and made.is_current and self._now() < made.at + NEW.total_seconds():
            made.refused += 1
            return StaleToken(f"{why}; it is new, and tried again", timedelta(seconds=min(made.refused, 3)))
        if made.is_current:
            made.is_current = False
            self._unaccepted[made.key] = self._unaccepted.get(made.key, 0) + 1
        if self._unaccepted.get(made.key, 0) > MOST_REFUSED:
            return outcome
        return StaleToken(f"{why}; another is made", timedelta(seconds=1))

    def _held(self, wanted: _Key) -> _Made | None:
        current = (one for one in self._made.values() if one.key == wanted and one.is_current)
        return next((one for one in current if self._now() < one.at + one.lifetime), None)

    def _recently_refused(self, wanted: _Key) -> Refused | None:
        until, refused = self._refusals.get(wanted, (0.0, None))
        return refused if self._now() < until else None

    async def _make(self, wanted: _Key, app: AppKey, repository: str) -> _Made | Refused:
        """Make a token, or wait for the one that is being made. It is made also if the first who waits gives up."""
        making = self._making.get(wanted)
        if making is None:
            making = self._making[wanted] = asyncio.create_task(self._mint(wanted, app, repository))
            making.add_done_callback(lambda _: self._making.pop(wanted, None))
        return await asyncio.shield(making)

    async def _mint(self, wanted: _Key, app: AppKey, repository: str) -> _Made | Refused:
        try:
            async with asyncio.timeout(LONGEST.total_seconds()):
                began, minted = await self._ask(wanted, app, repository)
        except TimeoutError:
            return Refused(NotSent(f"no token of the App within {LONGEST.seconds} s"), Exchange())
        if isinstance(minted, Refused):
            if isinstance(minted.outcome, NoToken):
                self._refusals[wanted] = self._now() + KEPT_REFUSALS.total_seconds(), minted
            return minted
        self._forget()
        for one in self._made.values():
            one.is_current = one.is_current and one.key != wanted
        made = _Made(wanted, minted.value, began, minted.lifetime.total_seconds())
        self._made[minted.value] = made
        return made

    async def _ask(self, wanted: _Key, app: AppKey, repository: str) -> tuple[float, Minted | Refused]:
        """Find the installation, and have the token made; where a known installation is gone, look for another."""
        github, at = await self._connected(), (wanted.name, wanted.repository)
        known = self._places.get(at)
        place = known or await github.place_of(app, repository)
        if isinstance(place, Refused):
            return self._now(), place
        self._places[at] = place
        began, minted = self._now(), await github.mint(app, place, dict(wanted.permissions))
        if isinstance(minted, Refused) and minted.is_gone:
            del self._places[at]
            if known is not None:
                return await self._ask(wanted, app, repository)
        return began, minted

    async def _connected(self) -> Apps:
        if self._github is None:
            self._github = await self._open.enter_async_context(self._connect())
        return self._github

    def _forget(self) -> None:
        """Forget tokens that have expired."""
        self._made = {value: one for value, one in self._made.items() if self._now() < one.at + one.lifetime}
