"""Addresses of other machines: what of them anybody may read, and whether what is sent there leaves this machine."""

import re
from ipaddress import ip_address

USER = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]{0,30}://)[^/?#\\\s]*@", re.IGNORECASE)
"""No scheme is longer, and a long text without any is looked through once."""


def without_user(url: str) -> str:
    """*url* without the user and password before its host."""
    return USER.sub(r"\g<scheme>", url, count=1)


def names_user(url: str) -> bool:
    """Whether *url* holds a user or password before its host."""
    return USER.match(url) is not None


def is_this_machine(host: str) -> bool:
    """Whether *host* is localhost or a loopback address: nobody else hears what is sent there."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
