"""Resolves a branch, a tag or an abbreviated hash to a commit."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from github_api.classify import classify_failure
from github_api.response_bodies import refusal, shortened
from github_api.send_request import Connection, Request

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


class Commits(Connection):
    """Client for commits, used as `async with Commits(...) as github`."""

    async def sha_of(self, repository: str, ref: str, token: str | None) -> str | NoSuchRef | NoAnswer:
        """The full hash of the commit that *ref* names in *repository* (owner/name).

        https://docs.github.com/rest/commits/commits#get-a-commit
        """
        url = f"{self.repository_url(repository)}/commits/{quote(ref, safe='')}"
        response, _ = await self.ask(Request("GET", url, token, accept=SHA_ONLY))
        if isinstance(response, Exception):
            return NoAnswer(classify_failure(response).why)
        if response.status == HTTPStatus.OK:
            body = response.body.strip()
            return body.decode() if _WHOLE.fullmatch(body) else NoSuchRef("HTTP 200 with a body that is no hash")
        why = shortened(f"HTTP {response.status}: {refusal(response.body).words()}".rstrip(": "))
        is_passing = response.status >= HTTPStatus.INTERNAL_SERVER_ERROR or response.status in _ASK_AGAIN
        return NoAnswer(why) if is_passing else NoSuchRef(why)


_ASK_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
