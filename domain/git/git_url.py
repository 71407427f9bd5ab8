"""Checks git URLs: only protocols that never run a program named by the URL are allowed."""

import re

URL = re.compile(r"(?P<scheme>https?|ssh|git|file)://(?!-)[^\s]+")
SSH = re.compile(r"(?!-)[\w.-]+(@(?!-)[\w.-]+)?:(?!:|//)[^\s:]+")
"""user@host:path, as git accepts it: https://git-scm.com/docs/git-clone#_git_urls"""


def protocol_of(url: str) -> str:
    """The protocol of *url*, as in GIT_ALLOW_PROTOCOL; `file` for an absolute path.

    Raises:
        ValueError: git would read it as an option, run a program for it (`ext::`, `fd::`), or resolve it relative to a
            folder. It is not quoted: it may hold a password.
    """
    if url.startswith("/"):
        return "file"
    if found := URL.fullmatch(url):
        return found["scheme"]
    if SSH.fullmatch(url):
        return "ssh"
    raise ValueError(
        "no repository: it takes an https, http, ssh, git or file URL, user@host:path, or an absolute path"
    )
