"""Resolves a branch, a tag, an abbreviated hash or a pull request to a commit."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from domain.delivery.outcome import Reason
from github_api.classify import classify_failure
from github_api.provenance import intermediary_words, is_from_github
from github_api.rate_limits import throttled
from github_api.response_bodies import refusal, shortened
from github_api.send_request import Connection, Request, Response

SHA_ONLY = "application/vnd.github.sha"
"""Media type for the hash alone: a commit with its files may have megabytes."""

_WHOLE = re.compile(rb"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class NoSuchRef:
    """GitHub answered without a commit; `why` quotes it."""

    why: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """There was no usable answer; a retry may succeed."""

    why: str


@dataclass(frozen=True, slots=True)
class PullHead:
    """The head of a pull request, and the repository that it is in; None: a fork that was deleted."""

    sha: str
    repository: str | None


class _Repository(BaseModel):
    full_name: str


class _Head(BaseModel):
    sha: str
    repo: _Repository | None


class _PullRequest(BaseModel):
    head: _Head


class Commits(Connection):
    """Client for commits, used as `async with Commits(...) as github`."""

    async def sha_of(self, repository: str, ref: str, token: str | None) -> str | NoSuchRef | NoAnswer:
        """The full hash of the commit that *ref* names in *repository* (owner/name).

        https://docs.github.com/rest/commits/commits#get-a-commit
        """
        url = f"{self.repository_url(repository)}/commits/{quote(ref, safe='')}"
        answer = await self._answer(Request("GET", url, token, accept=SHA_ONLY))
        if not isinstance(answer, Response):
            return answer
        body = answer.body.strip()
        return body.decode() if _WHOLE.fullmatch(body) else NoSuchRef("HTTP 200 with a body that is no hash")

    async def head_of(self, repository: str, pull_request: int, token: str | None) -> PullHead | NoSuchRef | NoAnswer:
        """The head of a pull request of *repository* (owner/name), as it is now.

        https://docs.github.com/rest/pulls/pulls#get-a-pull-request
        """
        answer = await self._answer(Request("GET", f"{self.repository_url(repository)}/pulls/{pull_request}", token))
        if not isinstance(answer, Response):
            return answer
        try:
            head = _PullRequest.model_validate_json(answer.body).head
        except ValidationError:
            return NoSuchRef("HTTP 200 with a body that is no pull request")
        return PullHead(head.sha.lower(), head.repo.full_name if head.repo else None)

    async def _answer(self, request: Request) -> Response | NoSuchRef | NoAnswer:
        """The answer with what was asked for, or why there is none. A limit passes, whatever its status."""
        response, _ = await self.ask(request)
        if isinstance(response, Exception):
            return NoAnswer(classify_failure(response).why)
        if response.status == HTTPStatus.OK:
            return response
        said, headers = refusal(response.body), {name.lower(): value for name, value in response.headers.items()}
        why = shortened(f"HTTP {response.status}: {said.words()}".rstrip(": "))
        if httpx.codes.is_client_error(response.status) and not is_from_github(request.url, headers, said):
            return NoAnswer(intermediary_words(response.status, said))
        limit = throttled(response.status, headers, said, now=self.now())
        is_limit = limit is not None and limit.reason is not Reason.BAD_CREDENTIALS
        is_passing = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status in _ASK_AGAIN
        return NoAnswer(why) if is_limit or is_passing else NoSuchRef(why)


_ASK_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
