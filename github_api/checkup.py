"""Whether GitHub can be reached and takes a token: questions that change nothing, for whoever sets this up."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from pydantic import BaseModel, ValidationError

from domain.job import Target
from github_api.classify import classify_failure
from github_api.client import MAX_REPLY, GitHub, _Request, _Response
from github_api.limits import _http_date
from github_api.replies import refusal, shortened

CLASSIC = "x-oauth-scopes"
"""What a classic token may do; other tokens have no such header.
https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps"""


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer came; `why` names the error."""

    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What GitHub said. `date`: its clock, a second exact. `scopes`: a classic token's; None: it is none."""

    status: int
    words: str
    date: datetime | None
    scopes: frozenset[str] | None
    is_github: bool = True  # it names its request, as GitHub does in every answer
    may_push: bool | None = None  # of a repository: what the token's owner may do there, not the token itself


class _Permissions(BaseModel):
    push: bool = False


class _Repository(BaseModel):
    permissions: _Permissions | None = None


class Checkup(GitHub):
    """The client, with questions about itself."""

    async def limits(self, token: str | None) -> Answer | Silence:
        """Ask for the rate limit: it costs nothing of it. 404: an Enterprise Server without limits.

        https://docs.github.com/rest/rate-limit/rate-limit
        """
        return await self._asked(f"{self._api_url}/rate_limit", token)

    async def repository(self, repository: str, token: str | None) -> Answer | Silence:
        """Ask for *repository*, as owner/name.

        https://docs.github.com/rest/repos/repos#get-a-repository
        """
        return await self._asked(self._repository_url(Target(repository, "", "")), token)

    async def _asked(self, url: str, token: str | None) -> Answer | Silence:
        response, exchange = await self._ask(_Request("GET", url, token, None, MAX_REPLY))
        if isinstance(response, Exception):
            return Silence(classify_failure(response).why)
        return _answer(response, is_github=exchange.request_id is not None)


def _answer(got: _Response, *, is_github: bool) -> Answer:
    granted = got.headers.get(CLASSIC)
    scopes = None if granted is None else frozenset(filter(None, map(str.strip, granted.split(","))))
    is_ok = got.status == HTTPStatus.OK
    return Answer(
        got.status,
        "" if is_ok else refusal(got.body).words() or shortened(f"HTTP {got.status}"),
        _http_date(got.headers.get("date", "")),
        scopes,
        is_github,
        _may_push(got.body) if is_ok else None,
    )


def _may_push(body: bytes) -> bool | None:
    try:
        said = _Repository.model_validate_json(body).permissions
    except ValidationError:
        return None
    return said.push if said else None
