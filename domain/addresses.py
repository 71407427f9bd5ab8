"""Addresses: removes users and passwords from URLs, and recognises addresses of this machine."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

USER = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30}://)[^/?#\\\s]*@", re.IGNORECASE)
"""The scheme's length is bounded, so that a long text without any is scanned in linear time."""


def without_user(url: str) -> str:
    """*url* without the user and password before its host."""
    return USER.sub(r"\g<scheme>", url, count=1)


def names_user(url: str) -> bool:
    """Whether *url* holds a user or password before its host."""
    return USER.match(url) is not None


def is_this_machine(host: str) -> bool:
    """Whether *host* is localhost or a loopback address, so that requests to it do not leave this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def openable(url: str) -> str:
    """*url* as a browser opens it: an address to listen on, such as 0.0.0.0, becomes a loopback address."""
    parts = urlsplit(url)
    hosts = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  # replaced, not listened on
    if parts.hostname not in hosts:
        return url
    port = f":{parts.port}" if parts.port is not None else ""
    return parts._replace(netloc=hosts[parts.hostname] + port).geturl()


def site_of_api(api_url: str) -> str:
    """The GitHub whose API is at *api_url*: github.com, Enterprise Cloud or Server, or a stand-in.

    https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency/network-details-for-ghecom
    """
    parts = urlsplit(openable(api_url))
    host = parts.hostname or ""
    if host == "api.github.com" or (host.startswith("api.") and host.endswith(".ghe.com")):
        return f"{parts.scheme}://{parts.netloc.removeprefix('api.')}"
    path = parts.path.rstrip("/").removesuffix("/api/v3")
    return f"{parts.scheme}://{parts.netloc}{path}"
