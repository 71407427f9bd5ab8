"""Requests of a GitHub App: what its key signs, its installation on a repository, and tokens made for it.

https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus

import httpx
from pydantic import AwareDatetime, BaseModel, StrictInt, ValidationError

from domain.delivery.outcome import Exchange, NoToken, NotSent, Reason, Throttled
from github_api.classify import classify_failure
from github_api.provenance import intermediary_words, is_from_github
from github_api.rate_limits import throttled
from github_api.refusal_reasons import SUSPENDED_TEXT
from github_api.response_bodies import Refusal, refusal, shortened
from github_api.same_origin import shown
from github_api.send_request import Connection, Request, Response

Permissions = Mapping[str, str]
STATUSES: Permissions = {"statuses": "write"}
CHECK_RUNS: Permissions = {"checks": "write"}
CHECKOUT: Permissions = {"contents": "read"}
PUSH: Permissions = {"contents": "write"}
LOOK_UP: Permissions = {"contents": "read", "pull_requests": "read"}
"""The least that each use needs. https://docs.github.com/rest/authentication/permissions-required-for-github-apps"""

BACK = timedelta(seconds=60)
AHEAD = timedelta(minutes=8)
"""From when, and until when, what a key signs is valid: ten minutes at most, by GitHub's clock."""

MOST_SKEW = timedelta(seconds=5)
"""GitHub's clock has to differ by more, beside what is known, for a refused time to be signed once more."""

TIMES_TEXT = re.compile(r"'(?:exp|iat)'")
NO_APP_TEXT = "integration not found"
NOT_GRANTED_TEXT = "permissions requested are not granted"
NO_REPOSITORY_TEXT = "repository that does not exist or is not accessible"

_NUMBER = re.compile(r"/repositories/(?P<id>[0-9]+)/")


@dataclass(frozen=True, slots=True)
class AppKey:
    """A GitHub App, and its private key."""

    client_id: str
    pem: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """An App's installation, and a repository there: its number, if it was renamed."""

    installation: int
    repository: str
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Minted:
    """A token, and how long GitHub says that it lives, counted from its answer."""

    value: str = field(repr=False)
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class Refused:
    """No token, as an outcome of the report it was for. `is_gone`: the installation is not there any more."""

    outcome: Throttled | NotSent | NoToken
    exchange: Exchange
    is_gone: bool = False


class _Installation(BaseModel):
    id: StrictInt


class _Token(BaseModel):
    token: str
    expires_at: AwareDatetime


class Apps(Connection):
    """Client for GitHub Apps, used as `async with Apps(...) as github`. What a key signs has GitHub's own time."""

    _ahead = timedelta(0)
    """How far GitHub's clock was ahead of ours when it last refused a time."""

    async def place_of(self, app: AppKey, repository: str) -> Place | Refused:
        """Where *app* is installed for *repository* (owner/name), followed to its present name.

        https://docs.github.com/rest/apps/apps#get-a-repository-installation-for-the-authenticated-app
        """
        got = await self.ask_as(app, Request("GET", f"{self.repository_url(repository)}/installation", None))
        if isinstance(got, Refused):
            return got
        response, exchange = got
        if response.status != HTTPStatus.OK:
            return refused(app, repository, response, exchange, now=self.now())
        try:
            found = _Installation.model_validate_json(response.body)
        except ValidationError:
            return _odd(response, exchange, "installation")
        moved = _NUMBER.search(httpx.URL(response.url).path)
        return Place(found.id, repository, int(moved["id"]) if moved else None)

    async def mint(self, app: AppKey, place: Place, permissions: Permissions) -> Minted | Refused:
        """Make a token for one repository with *permissions* alone.

        https://docs.github.com/rest/apps/apps#create-an-installation-access-token-for-an-app
        """
        name = place.repository.partition("/")[2]
        only = {"repositories": [name]} if place.number is None else {"repository_ids": [place.number]}
        url = f"{self.api_url}/app/installations/{place.installation}/access_tokens"
        got = await self.ask_as(app, Request("POST", url, None, {**only, "permissions": dict(permissions)}))
        if isinstance(got, Refused):
            return got
        response, exchange = got
        if response.status != HTTPStatus.CREATED:
            return refused(app, place.repository, response, exchange, now=self.now(), permissions=permissions)
        try:
            made = _Token.model_validate_json(response.body)
        except ValidationError:
            return _odd(response, exchange, "token")
        return Minted(made.token, made.expires_at - (exchange.github_time or self.now()))

    async def ask_as(self, app: AppKey, request: Request) -> tuple[Response, Exchange] | Refused:
        """Send *request* as *app*; again, with GitHub's own time, if it refuses ours."""
        while True:
            try:
                token = signed(app, self.now() + self._ahead)
            except ValueError as error:
                return Refused(NoToken(str(error)), Exchange())
            asked = Request(request.method, request.url, token, request.json)
            response, exchange = await self.ask(asked)
            if isinstance(response, Exception):
                failure = classify_failure(response)
                return Refused(NotSent(f"no token of the App: {failure.why}", failure.reason), exchange)
            if not self._corrects_clock(response, exchange):
                return response, Exchange(exchange.http_status, exchange.request_id, None, exchange.github_time)

    def _corrects_clock(self, response: Response, exchange: Exchange) -> bool:
        """Whether GitHub has refused the time, and its own, which is used from now on, is another."""
        if response.status != HTTPStatus.UNAUTHORIZED or not _is_about_time(refusal(response.body)):
            return False
        if exchange.github_time is None:
            return False
        ahead = exchange.github_time - self.now()
        if abs(ahead - self._ahead) <= MOST_SKEW:
            return False
        self._ahead = ahead
        return True


def signed(app: AppKey, now: datetime) -> str:
    """The JSON web token of *app*, for requests of the next minutes. Raises ValueError: the key cannot sign."""
    import jwt  # noqa: PLC0415  # loads cryptography, which most processes need not

    claims = {"iat": int((now - BACK).timestamp()), "exp": int((now + AHEAD).timestamp()), "iss": app.client_id}
    try:
        return jwt.encode(claims, app.pem, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):  # not quoted: it may hold the key
        raise ValueError(
            f"the private key of the App {app.client_id} cannot be read: put the .pem file there as GitHub gave it"
        ) from None


def _is_about_time(said: Refusal) -> bool:
    return TIMES_TEXT.search(said.words()) is not None


def refused(
    app: AppKey, repository: str, response: Response, exchange: Exchange, *, now: datetime,
    permissions: Permissions | None = None,
) -> Refused:  # fmt: skip
    """What GitHub's refusal of a request of *app* means."""
    status, said = response.status, refusal(response.body)
    headers = {name.lower(): value for name, value in response.headers.items()}
    words, who = said.words(), f"the App {app.client_id}"
    if httpx.codes.is_redirect(status):
        where = shown(headers.get("location", ""))
        return Refused(NotSent(f"no token of the App: HTTP {status} to {where}", Reason.REDIRECTED), exchange)
    if not is_from_github(response.url, headers, said):
        return Refused(NotSent(intermediary_words(status, said), Reason.INTERMEDIARY), exchange)
    if status == HTTPStatus.UNAUTHORIZED and _is_about_time(said):
        return Refused(NoToken(f"GitHub refuses the time of {who}'s request: {words}", Reason.CLOCK_SKEW), Exchange())
    if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.NOT_FOUND and NO_APP_TEXT in words.lower()):
        why = f"GitHub does not accept the private key of {who}: {words}"
        return Refused(Throttled(Reason.BAD_CREDENTIALS, shortened(why)), exchange)
    if status == HTTPStatus.FORBIDDEN and SUSPENDED_TEXT in words.lower():
        why = f"the installation of {who} for {repository} is suspended: {words}"
        return Refused(NoToken(shortened(why), Reason.SUSPENDED), Exchange())
    if (limit := throttled(status, headers, said, now=now)) is not None:
        return Refused(limit, exchange)
    if status == HTTPStatus.NOT_FOUND or NO_REPOSITORY_TEXT in words.lower():
        return _not_installed(app, repository)
    if NOT_GRANTED_TEXT in words.lower():
        wanted = ", ".join(f"{name}: {access}" for name, access in (permissions or {}).items())
        why = f"{who} may not have *{wanted}* on {repository}, or its owner has not approved that yet: {words}"
        return Refused(NoToken(shortened(why), Reason.NOT_GRANTED), Exchange())
    return Refused(NotSent(shortened(f"no token of the App: HTTP {status}: {words}".rstrip(": "))), exchange)


def _not_installed(app: AppKey, repository: str) -> Refused:
    why = f"the App {app.client_id} is not installed on {repository}, or it is not among the selected repositories"
    return Refused(NoToken(why, Reason.NOT_INSTALLED), Exchange(), is_gone=True)


def _odd(response: Response, exchange: Exchange, what: str) -> Refused:
    return Refused(NotSent(f"no token of the App: HTTP {response.status} with a body that is no {what}"), exchange)
