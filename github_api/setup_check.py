"""Checks whether GitHub can be reached and accepts a token, with read-only requests, for setting up."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from pydantic import BaseModel, ValidationError

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
