"""Where a reply may lead us: to the configured scheme, host and port alone. A token never leaves that origin."""

import re

import httpx

from github_api.bodies import shortened

_OF_REPOSITORY = re.compile(rb"(?P<api>.*?)/(?:repos/[^/]+/[^/]+|repositories/[0-9]+)(?P<asked>/.+)")
"""The two ways in which GitHub names a repository in a path, and what is asked of it."""


def same_origin_url(url: str, reference: str) -> str | None:
    """*reference*, seen from *url*, as an address on the origin of *url*. None: it leads to no such address.

    One that names another host is taken to this origin if it asks the same of a repository as *url* does: an Enterprise
    Server behind a proxy may know itself by an inner name only. None too if that is *url* again.
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
    """*reference* for a message: without user, query and fragment, which may be secrets."""
    try:
        url = httpx.URL(reference)
    except httpx.InvalidURL:
        return "an unusable address"
    return shortened(str(url.copy_with(userinfo=b"", query=None, fragment=None))) or "nowhere"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _asks_the_same(here: httpx.URL, there: httpx.URL) -> bool:
    """Whether both ask the same of a repository, by its name or its number, under the same path of the API."""
    one, other = (_OF_REPOSITORY.fullmatch(url.raw_path.partition(b"?")[0]) for url in (here, there))
    return one is not None and other is not None and one.group("api", "asked") == other.group("api", "asked")
