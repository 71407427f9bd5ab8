"""Where git may fetch from: the few protocols of which none runs a program that the URL names."""

import re

URL = re.compile(r"(?P<scheme>https?|ssh|git|file)://(?!-)[^\s]+")
SSH = re.compile(r"(?!-)[\w.-]+(@(?!-)[\w.-]+)?:(?!:|//)[^\s:]+")
"""user@host:path, as git takes it: https://git-scm.com/docs/git-clone#_git_urls"""


def protocol_of(url: str) -> str:
    """The one protocol that *url* takes, as GIT_ALLOW_PROTOCOL calls it; of an absolute path, `file`.

    Raises:
        ValueError: git would take it for an option, run a program for it (`ext::`, `fd::`), or depend on a folder. It
            is not quoted: it may hold a password.
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
