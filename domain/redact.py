"""Takes secrets, and the paths of this machine, out of text that others read."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter

from domain.text import cut, one_line, readable

HIDDEN = "***"
SHORTEST_SECRET = 8
"""Characters of what is hidden by its value; what is shorter, such as 1, is in every text. A secret of several lines,
such as a key, shows line by line, and its shorter lines ("}") say nothing."""
LONGEST_PIECE = 1000
"""A longer value is looked for in pieces of so many characters: what shows part of it shows no piece."""
REACH = 2 * LONGEST_PIECE
"""Behind a cut, so many characters must still be seen before it is known that nothing hidden is cut through."""

TOKEN = re.compile(r"gh[oprsu]_[A-Za-z0-9._-]{20,}|github_pat_\w{20,}", re.ASCII)
"""GitHub's tokens: https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github#githubs-token-formats
An installation token (`ghs_`) may be some 500 characters long, with dots and dashes."""
HEADER = re.compile(
    r"""(authorization["']?\s*[:=]\s*["']?)(?:(?:basic|bearer|token)\s+)?[^\s"',]+|\b(bearer\s+)[\w.~+/=-]{8,}""",
    re.IGNORECASE,
)
USER_INFO = re.compile(r"(://)[^\s/]+@")
PARAMETER = re.compile(
    r"([?&](?:access_token|token|api_?key|key|password|secret|sig|signature)=)[^&#\s\"']+", re.IGNORECASE
)

PATH_CHARACTER = r"""[^\s/:"'`<>|,;()\[\]{}]"""
SEVERAL_NAMES = rf"{PATH_CHARACTER}+(?:/+{PATH_CHARACTER}+)*/*"
PATH = re.compile(
    r"""(?P<url>\b(?!file:)[a-z][a-z0-9+.-]{1,20}://[^\s"'<>,;()]*)"""  # left as it is
    rf"""|file://[\w.-]*/+(?P<file>{SEVERAL_NAMES})"""
    r"""|(?<=["'`])/+(?P<quoted>[^/"'`\n][^"'`\n]*)(?=["'`])"""  # may contain blanks
    rf"""|(?:(?<![\w.~…*<>)\]}}/-])|(?<=\s-\w)|(?<=^-\w))/+(?P<plain>{SEVERAL_NAMES})""",
    re.IGNORECASE | re.MULTILINE,
)

LONGEST_REFUSAL = 500
"""Characters of what is said of one field: it may quote what stands there."""


def public(text: str, *, secrets: Iterable[str] = (), roots: Iterable[str] = ()) -> str:
    """*text* as anybody may read it.

    Readable, and without the values of *secrets*, what has the shape of a GitHub token, Authorization headers, and
    credentials in URLs. A path below one of the *roots* becomes relative to it; of any other absolute path only the
    last name stays.
    """
    hidden = _values(secrets)
    shown = _without(hidden, readable(text))
    shown = without_credentials(shown)
    for root in sorted({root.rstrip("/") for root in roots} - {""}, key=len, reverse=True):
        shown = re.sub(
            rf"(?:file://)?{re.escape(root)}(?:/+(?={PATH_CHARACTER})|(?P<itself>/*)(?![\w.-]))", _relative, shown
        )
    return _without(hidden, PATH.sub(_last_name, shown))


def without_credentials(text: str) -> str:
    """*text* without what has the shape of a GitHub token, Authorization headers, and credentials in URLs."""
    shown = TOKEN.sub(HIDDEN, text)
    shown = HEADER.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}", shown)
    shown = USER_INFO.sub(rf"\1{HIDDEN}@", shown)
    return PARAMETER.sub(rf"\1{HIDDEN}", shown)


def of_error(error: BaseException) -> str:
    """An unforeseen error for an operator, without credentials: httpx quotes addresses, passwords and all."""
    return without_credentials(repr(error))


def refusal(message: str) -> str:
    """*message* as one line of at most 500 characters, without credentials, that does nothing to a terminal."""
    return cut(one_line(without_credentials(message)), LONGEST_REFUSAL)


def _values(secrets: Iterable[str]) -> set[str]:
    """What to look for."""
    found = set(secrets)
    lines = {readable(line).strip() for secret in found for line in secret.splitlines()}
    values = {readable(secret).strip() for secret in found} | {one for one in lines if len(one) >= SHORTEST_SECRET}
    return {piece for value in values for piece in _pieces(value)}


def _pieces(value: str) -> Iterator[str]:
    """*value*, or its pieces; the last of them is whole, and may share some with the one before it."""
    ends = range(LONGEST_PIECE, len(value), LONGEST_PIECE)
    yield from (value[end - LONGEST_PIECE : end] for end in ends)
    if value:
        yield value[-LONGEST_PIECE:]


def _without(values: Iterable[str], text: str) -> str:
    """*text* with whatever one of *values* covers hidden, also where several overlap."""
    hidden = bytearray(len(text))
    for value in values:
        at = text.find(value)
        while at >= 0:
            hidden[at : at + len(value)] = b"\1" * len(value)
            at = text.find(value, at + 1)
    if not any(hidden):
        return text
    runs = groupby(zip(text, hidden, strict=True), key=itemgetter(1))
    return "".join(HIDDEN if is_hidden else "".join(map(itemgetter(0), run)) for is_hidden, run in runs)


def _relative(found: re.Match[str]) -> str:
    return "" if found["itself"] is None else "."


def _last_name(found: re.Match[str]) -> str:
    if found["url"] is not None:
        return found[0]
    path = (found["file"] or found["quoted"] or found["plain"]).rstrip("/")
    return f"…/{path.rpartition('/')[2]}"
