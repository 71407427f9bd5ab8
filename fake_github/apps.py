"""Holds the stand-in's GitHub Apps, their installations and tokens, and says who a request is from.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

import base64
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import jwt
from jwt.exceptions import InvalidTokenError

from fake_github.answers import refusals
from fake_github.exchange import Answer

LONGEST_JWT = timedelta(minutes=10)
"""https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app"""

TOO_FAR = "'Expiration time' claim ('exp') is too far in the future"
EXPIRED = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion "
    "expires"
)
NOT_YET = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
"""The three texts are those that @octokit/auth-app 8.3.1 takes for a clock that is wrong."""
UNDECODABLE = "A JSON web token could not be decoded"
"""https://github.com/backstage/backstage/issues/12887"""
NO_APP = "Integration not found"

READ, WRITE = "read", "write"
SIGNATURE = 256


@dataclass(slots=True)
class Installation:
    """An App's installation on an account. `permissions` are those that its owner has approved.

    `repositories`: those that were selected, as "owner/name"; None: all of the account.
    """

    id: int
    account: str
    permissions: dict[str, str]
    repositories: list[str] | None = None
    suspended: bool = False

    def has(self, repository: str) -> bool:
        """Whether it may reach *repository*."""
        if self.repositories is None:
            return repository.lower().startswith(f"{self.account.lower()}/")
        return repository.lower() in map(str.lower, self.repositories)


@dataclass(slots=True)
class App:
    """A GitHub App. `public_key` is PEM; `token_seconds` the life of its tokens.

    `mark` is part of each token that is made for it, for tests that search for tokens.
    """

    client_id: str
    id: int
    public_key: str
    permissions: dict[str, str]
    installations: list[Installation] = field(default_factory=list)
    token_seconds: float = 3600
    mark: str = ""


@dataclass(slots=True)
class Token:
    """An installation token: what it may do, where, and when. `works_from`: until then GitHub answers it with 401."""

    installation: Installation
    permissions: Mapping[str, str]
    repositories: list[str] | None
    made_at: datetime
    works_from: datetime
    expires_at: datetime
    revoked: bool = False

    def works(self, now: datetime) -> bool:
        """Whether GitHub knows it *now*."""
        return not self.revoked and self.works_from <= now < self.expires_at

    def reaches(self, repository: str) -> bool:
        """Whether it may be used for *repository*."""
        named = self.repositories is None or repository.lower() in map(str.lower, self.repositories)
        return named and self.installation.has(repository)

    def allows(self, permission: str, access: str) -> bool:
        """Whether it has *permission* for *access*, to read or to write."""
        granted = self.permissions.get(permission)
        return granted in (WRITE, access)


class Apps:
    """All Apps of this GitHub, and the tokens made for them, by their values."""

    def __init__(self, apps: Iterable[App] = ()) -> None:
        self.apps = list(apps)
        self.tokens: dict[str, Token] = {}

    def token_of(self, value: str) -> Token | None:
        """The installation token *value*. None: it was never made."""
        return self.tokens.get(value)

    def app_with(self, value: str) -> App | None:
        """The App for which the installation token *value* was made."""
        token = self.token_of(value)
        found = self.installation(token.installation.id) if token else None
        return found[0] if found else None

    def installation(self, number: int) -> tuple[App, Installation] | None:
        """The installation with this *number*, and its App."""
        return next(((app, one) for app in self.apps for one in app.installations if one.id == number), None)

    def payer(self, value: str) -> str:
        """Who a request with the token *value* counts for in the rate limits."""
        token = self.token_of(value)
        return value if token is None else f"installation {token.installation.id}"

    def app_of(self, value: str, now: datetime) -> App | Answer:
        """The App that signed the JSON web token *value*, or the refusal of it."""
        try:
            claims = jwt.decode(value, options={"verify_signature": False})
            app = next((one for one in self.apps if str(claims.get("iss")) in (one.client_id, str(one.id))), None)
            if app is None:
                return refusals.refusal(404, NO_APP)
            jwt.decode(value, app.public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
        except InvalidTokenError:
            return refusals.refusal(401, UNDECODABLE)
        problem = _untimely(claims.get("iat"), claims.get("exp"), now)
        return refusals.refusal(401, problem) if problem else app

    def unwelcome(self, value: str, now: datetime) -> Answer | None:
        """The refusal of a token that looks like an installation's, and is none that works *now*."""
        if not self.apps or not value.startswith("ghs_"):
            return None
        token = self.token_of(value)
        if token is None or not token.works(now) or self.installation(token.installation.id) is None:
            return refusals.bad_credentials()
        return refusals.suspended() if token.installation.suspended else None

    def make(
        self, app: App, at: Installation, permissions: Mapping[str, str], repositories: list[str] | None,
        *, now: datetime, works_in: timedelta,
    ) -> tuple[str, Token]:  # fmt: skip
        """Make a token of the format since April 2026: `ghs_`, the App's id, and some 500 characters with dots."""
        claims = {"jti": secrets.token_hex(16), "ins": at.id, "mark": app.mark}
        parts = ({"alg": "RS256", "typ": "JWT"}, claims)
        head = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        value = f"ghs_{app.id}_{head}.{app.mark}{_base64(secrets.token_bytes(SIGNATURE))}"
        expires_at = now + timedelta(seconds=app.token_seconds)
        token = Token(at, permissions, repositories, now, now + works_in, expires_at)
        self.tokens[value] = token
        return value, token

    def change(self, number: int, **fields: object) -> bool:
        """Change *fields* of an installation. False: there is none with this *number*."""
        found = self.installation(number)
        for name, value in fields.items() if found else ():
            setattr(found[1] if found else None, name, value)
        return found is not None

    def uninstall(self, number: int) -> None:
        """Remove an installation: its tokens work no more."""
        for app in self.apps:
            app.installations = [one for one in app.installations if one.id != number]

    def revoke(self) -> None:
        """Revoke all tokens that were made."""
        for token in self.tokens.values():
            token.revoked = True


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _untimely(issued: object, expires: object, now: datetime) -> str | None:
    """What is wrong with the times of a JSON web token, by GitHub's clock."""
    if not isinstance(expires, int) or expires <= now.timestamp():
        return EXPIRED
    if not isinstance(issued, int) or issued > now.timestamp():
        return NOT_YET
    return TOO_FAR if expires > (now + LONGEST_JWT).timestamp() else None
