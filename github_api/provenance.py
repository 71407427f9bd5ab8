"""Whether an answer is GitHub's own, or comes from a proxy, a gateway or a log-in page in front of it. Pure.

Only GitHub refuses a report: what anything else answers leaves it due, whatever the status. The request may have been
forwarded before that answer was made, so it says nothing about what GitHub has.
"""

import re
from collections.abc import Mapping

import httpx

from github_api.bodies import Refusal, shortened

REQUEST_ID = "x-github-request-id"
"""In every answer of GitHub's: https://docs.github.com/rest/using-the-rest-api/getting-started-with-the-rest-api."""

_NAMES = ("x-github-media-type", "x-github-enterprise-version")

GITHUB = "https://api.github.com"

_GITHUBS_HOST = re.compile(r"api\.github\.com|.+\.ghe\.com")
"""GitHub's own servers. Any other host is an Enterprise Server, perhaps behind a proxy that strips headers."""


def is_from_github(url: str, headers: Mapping[str, str], said: Refusal) -> bool:
    """Whether the answer to a request for *url* bears GitHub's name. *headers* by their lower-case names.

    GitHub's own servers name the request in each answer. An Enterprise Server is known by that header, by one of the
    others in `_NAMES`, or by an error that links to documentation.
    """
    if headers.get(REQUEST_ID):
        return True
    return not is_github_host(url) and (any(name in headers for name in _NAMES) or said.has_docs)


def is_github_host(url: str) -> bool:
    """Whether *url* is on a server that GitHub itself runs."""
    try:
        return _GITHUBS_HOST.fullmatch(httpx.URL(url).host) is not None
    except httpx.InvalidURL:
        return False


def intermediary_words(status: int, said: Refusal) -> str:
    """What to tell of an answer that is not GitHub's."""
    words = "" if httpx.codes.is_success(status) else said.words()
    return shortened(f"something before GitHub answered {status}" + (f": {words}" if words else ""))
