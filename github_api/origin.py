"""Where a reply may lead us: the same scheme, host and port. A token does not leave the host it was meant for."""

import httpx

from github_api.replies import shortened


def onward(url: str, reference: str) -> str | None:
    """*reference*, seen from *url*, as a whole address. None: it is empty, unusable or off the origin."""
    try:
        here, there = httpx.URL(url), httpx.URL(url).join(reference)
    except (httpx.InvalidURL, ValueError):  # the latter from urljoin
        return None
    if not reference or _origin(here) != _origin(there):
        return None
    return str(there)


def shown(reference: str) -> str:
    """*reference* for a message: without user, query and fragment, which may be secrets."""
    try:
        url = httpx.URL(reference)
    except httpx.InvalidURL:
        return "an unusable address"
    return shortened(str(url.copy_with(userinfo=b"", query=None, fragment=None))) or "nowhere"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
