"""Decides whether a response is GitHub's own, or a proxy's, a gateway's or a log-in page's in front of it. Pure.

Only GitHub can reject a report: after any other response it stays due, whatever the status. The request may have been
forwarded before that response was made, so it says nothing about what GitHub has.
"""

import re
from collections.abc import Mapping

import httpx

from github_api.response_bodies import Refusal, shortened

REQUEST_ID = "x-github-request-id"
"""In GitHub's every response: https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api."""

_NAMES = ("x-github-media-type", "x-github-enterprise-version")

GITHUB = "https://api.github.com"

_GITHUBS_HOST = re.compile(r"api\.github\.com|.+\.ghe\.com")
"""GitHub's own servers. Any other host is an Enterprise Server, perhaps behind a proxy that strips headers."""


def is_from_github(url: str, headers: Mapping[str, str], said: Refusal) -> bool:
    """Whether the response to a request for *url* is GitHub's. *headers* by their lower-case names.

    GitHub's own servers send a request id in each response. An Enterprise Server is recognised by that header, by one
    of `_NAMES`, or by an error that links to documentation.
    """
    if headers.get(REQUEST_ID):
        return True
    return not is_github_host(url) and (any(name in headers for name in _NAMES) or said.has_docs)


def is_github_host(url: str) -> bool:
    """Whether *url* is on a server run by GitHub itself."""
    try:
        return _GITHUBS_HOST.fullmatch(httpx.URL(url).host) is not None
    except httpx.InvalidURL:
        return False


def intermediary_words(status: int, said: Refusal) -> str:
    """Describes a response that is not GitHub's."""
    words = "" if httpx.codes.is_success(status) else said.words()
    return shortened(f"something before GitHub answered {status}" + (f": {words}" if words else ""))
