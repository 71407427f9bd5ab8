"""Restricts redirects and links to the configured scheme, host and port: a token is never sent to another origin."""

import re

import httpx

from github_api.response_bodies import shortened

_OF_REPOSITORY = re.compile(rb"(?P<api>.*?)/(?:repos/[^/]+/[^/]+|repositories/[0-9]+)(?P<asked>/.+)")
"""The two forms of a repository in GitHub's paths, and the rest of the path."""


def same_origin_url(url: str, reference: str) -> str | None:
    """*reference*, resolved from *url*, as a URL on the origin of *url*. None: there is no such URL.

    If it names another host but the same resource of a repository as *url*, its path is used on this origin: an
    Enterprise Server behind a proxy may know only its internal name. None too if that is *url* again.
    """
    try:
        here, there = httpx.URL(url), httpx.URL(url).join(reference)
    except (httpx.InvalidURL, ValueError):  # the latter from urljoin
        return None
    if not reference:
        return None
    if _origin(here) == _origin(there):
        return str(there)
    moved = here.copy_with(raw_path=there.raw_path)
    return str(moved) if _asks_the_same(here, there) and moved != here else None


def shown(reference: str) -> str:
    """*reference* for a message: without user, query and fragment, which may hold secrets."""
    try:
        url = httpx.URL(reference)
    except httpx.InvalidURL:
        return "an unusable address"
    return shortened(str(url.copy_with(userinfo=b"", query=None, fragment=None))) or "nowhere"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _asks_the_same(here: httpx.URL, there: httpx.URL) -> bool:
    """Whether both name the same resource of a repository, by name or number, under the same path of the API."""
    one, other = (_OF_REPOSITORY.fullmatch(url.raw_path.partition(b"?")[0]) for url in (here, there))
    return one is not None and other is not None and one.group("api", "asked") == other.group("api", "asked")
