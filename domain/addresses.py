"""Addresses: removes users and passwords from URLs, and recognises addresses of this machine."""

import re
from ipaddress import ip_address

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
