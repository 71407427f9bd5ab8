"""Checks whether GitHub can be reached, accepts a token, and what an App may do, with requests that change nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

from pydantic import BaseModel, Field, StrictInt, TypeAdapter, ValidationError

from domain.delivery.outcome import NotSent
from github_api.apps import AppKey, Apps, Refused, refused
from github_api.classify import classify_failure
from github_api.rate_limits import http_date
from github_api.response_bodies import refusal, shortened
from github_api.send_request import Connection, Request, Response

CLASSIC = "x-oauth-scopes"
"""Header with the scopes of a classic token; other tokens have none.
https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps"""


@dataclass(frozen=True, slots=True)
class NoResponse:
    """There was no response; `why` names the error."""

    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """GitHub's answer. `date`: its clock, to the second. `scopes`: of a classic token; None: it is not one."""

    status: int
    words: str
    date: datetime | None
    scopes: frozenset[str] | None
    is_github: bool = True  # it has a request id, as GitHub's every answer does
    may_push: bool | None = None  # of a repository: the permission of the token's owner, not of the token
    is_archived: bool = False  # of a repository: read-only


class _Permissions(BaseModel):
    push: bool = False


class _Repository(BaseModel):
    permissions: _Permissions | None = None
    archived: bool = False


class Diagnostics(Connection):
    """Client for checks, used as `async with Diagnostics(...) as github`."""

    async def limits(self, token: str | None) -> Answer | NoResponse:
        """Get the rate limit, without using it up. 404: an Enterprise Server without limits.

        https://docs.github.com/rest/rate-limit/rate-limit
        """
        return await self._asked(f"{self.api_url}/rate_limit", token)

    async def repository(self, repository: str, token: str | None) -> Answer | NoResponse:
        """Get *repository*, given as owner/name.

        https://docs.github.com/rest/repos/repos#get-a-repository
        """
        return await self._asked(self.repository_url(repository), token)

    async def _asked(self, url: str, token: str | None) -> Answer | NoResponse:
        response, exchange = await self.ask(Request("GET", url, token))
        if isinstance(response, Exception):
            return NoResponse(classify_failure(response).why)
        return _answer(response, is_github=exchange.request_id is not None)


class Account(BaseModel):
    """The account that an App is installed on."""

    login: str = ""


class Installation(BaseModel):
    """An App's installation: what its owner has approved, and where."""

    id: StrictInt
    account: Account | None = None
    permissions: Mapping[str, str] = {}
    repository_selection: str = ""
    suspended_at: str | None = None

    @property
    def where(self) -> str:
        """The account's name."""
        return self.account.login if self.account else f"installation {self.id}"


class About(BaseModel):
    """A GitHub App: its name in addresses, and the permissions that it asks for."""

    slug: str = ""
    permissions: Mapping[str, str] = {}


class NewApp(BaseModel):
    """An App that was just made, with what GitHub gives once."""

    client_id: str
    html_url: str
    pem: str = Field(repr=False)
    webhook_secret: str | None = Field(None, repr=False)


_INSTALLATIONS = TypeAdapter(list[Installation])


class AppDiagnostics(Apps):
    """Client for checks of an App, used as `async with AppDiagnostics(...) as github`."""

    async def about(self, app: AppKey) -> About | Refused:
        """The App that *app* is the key of: https://docs.github.com/rest/apps/apps#get-the-authenticated-app."""
        body = await self._body(app, "/app")
        return body if isinstance(body, Refused) else About.model_validate_json(body)

    async def installations(self, app: AppKey) -> list[Installation] | Refused:
        """Where it is installed, a hundred at most.

        https://docs.github.com/rest/apps/apps#list-installations-for-the-authenticated-app
        """
        body = await self._body(app, "/app/installations?per_page=100")
        return body if isinstance(body, Refused) else _INSTALLATIONS.validate_json(body)

    async def convert(self, code: str) -> NewApp | Refused:
        """The App of a manifest that was posted: GitHub gives it once, for a *code* of the last hour.

        https://docs.github.com/rest/apps/apps#create-a-github-app-from-a-manifest
        """
        url = f"{self.api_url}/app-manifests/{quote(code, safe='')}/conversions"
        response, exchange = await self.ask(Request("POST", url, None, {}))
        if isinstance(response, Exception):
            return Refused(NotSent(classify_failure(response).why), exchange)
        if response.status != HTTPStatus.CREATED:
            words = refusal(response.body).words()
            return Refused(NotSent(shortened(f"HTTP {response.status}: {words}".rstrip(": "))), exchange)
        try:
            return NewApp.model_validate_json(response.body)
        except ValidationError:  # not quoted: it may hold the key
            return Refused(NotSent("HTTP 201 with a body that is no App"), exchange)

    async def _body(self, app: AppKey, path: str) -> bytes | Refused:
        got = await self.ask_as(app, Request("GET", f"{self.api_url}{path}", None))
        if isinstance(got, Refused):
            return got
        response, exchange = got
        if response.status == HTTPStatus.OK:
            return response.body
        return refused(app, "GitHub", response, exchange, now=self.now())


def _answer(got: Response, *, is_github: bool) -> Answer:
    granted = got.headers.get(CLASSIC)
    scopes = None if granted is None else frozenset(filter(None, map(str.strip, granted.split(","))))
    date = http_date(got.headers.get("date", ""))
    if got.status != HTTPStatus.OK:
        words = refusal(got.body).words() or shortened(f"HTTP {got.status}")
        return Answer(got.status, words, date, scopes, is_github)
    seen = _repository(got.body)
    may_push = seen.permissions.push if seen.permissions else None
    return Answer(got.status, "", date, scopes, is_github, may_push, seen.archived)


def _repository(body: bytes) -> _Repository:
    """The repository in *body*; empty if it is something else."""
    try:
        return _Repository.model_validate_json(body)
    except ValidationError:
        return _Repository()
