"""Removes secrets and local paths from text that is shown to others."""

import re
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from itertools import groupby
from operator import itemgetter

from domain.text import cut, one_line, readable

HIDDEN = "***"
SHORTEST_SECRET = 8
"""Characters of a value that can be hidden; a shorter one, such as 1, is in every text. A secret of several lines, such
as a key, is hidden line by line, except its shorter lines ("}"), which reveal nothing."""
LONGEST_PIECE = 1000
"""A longer value is searched for in pieces of so many characters: text that shows part of it shows no whole piece."""
REACH = 2 * LONGEST_PIECE
"""So many characters after a cut must be read before it is certain that no hidden value is cut through."""

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

ABOUT_LINKS = re.compile(r"\b(?:link\w*|anchors?|hrefs?|routes?|urls?|pages?|ref\w*|targets?)\b", re.IGNORECASE)
"""Words of a line whose paths may be a site's."""

LONGEST_REFUSAL = 500
"""Characters of an error message about one field, which may quote its value."""


def public(
    text: str, *, secrets: Iterable[str] = (), roots: Iterable[str] = (), folders: Collection[str] | None = None
) -> str:
    """*text* fit to be shown in public.

    Readable, and without the values of *secrets*, anything with the shape of a GitHub token, Authorization headers, and
    credentials in URLs. A path below one of the *roots* becomes relative to it; any other absolute path is reduced to
    its last name. With *folders*, the names of those at the root of this machine's file system, the path of a page or a
    link, which is in none of them, stays.
    """
    hidden = _values(secrets)
    shown = _without(hidden, readable(text))
    shown = without_credentials(shown)
    for root in sorted({root.rstrip("/") for root in roots} - {""}, key=len, reverse=True):
        shown = re.sub(
            rf"(?:file://)?{re.escape(root)}(?:/+(?={PATH_CHARACTER})|(?P<itself>/*)(?![\w.-]))", _relative, shown
        )
    sites = folders is not None and ABOUT_LINKS.search(shown) is not None
    return _without(hidden, PATH.sub(partial(_last_name, but_in=folders if sites else None), shown))


def without_credentials(text: str) -> str:
    """*text* without anything with the shape of a GitHub token, Authorization headers, and credentials in URLs."""
    shown = TOKEN.sub(HIDDEN, text)
    shown = HEADER.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}", shown)
    shown = USER_INFO.sub(rf"\1{HIDDEN}@", shown)
    return PARAMETER.sub(rf"\1{HIDDEN}", shown)


def of_error(error: BaseException) -> str:
    """An unexpected error for an operator, without credentials: httpx quotes URLs with their passwords."""
    return without_credentials(repr(error))


def refusal(message: str) -> str:
    """*message* as one line of at most 500 characters, without credentials and control sequences."""
    return cut(one_line(without_credentials(message)), LONGEST_REFUSAL)


def _values(secrets: Iterable[str]) -> set[str]:
    """The strings to hide."""
    found = set(secrets)
    lines = {readable(line).strip() for secret in found for line in secret.splitlines()}
    values = {readable(secret).strip() for secret in found} | {one for one in lines if len(one) >= SHORTEST_SECRET}
    return {piece for value in values for piece in _pieces(value)}


def _pieces(value: str) -> Iterator[str]:
    """*value*, or its pieces of full length; the last one may overlap the one before it."""
    ends = range(LONGEST_PIECE, len(value), LONGEST_PIECE)
    yield from (value[end - LONGEST_PIECE : end] for end in ends)
    if value:
        yield value[-LONGEST_PIECE:]


def _without(values: Iterable[str], text: str) -> str:
    """*text* with every occurrence of *values* hidden, overlapping ones too."""
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


def _last_name(found: re.Match[str], but_in: Collection[str] | None) -> str:
    """A path's last name; the path itself if it is in none of the folders *but_in*."""
    if found["url"] is not None:
        return found[0]
    name = found["quoted"] or found["plain"]
    if but_in is not None and name and name.partition("/")[0] not in but_in:
        return found[0]
    path = (found["file"] or found["quoted"] or found["plain"]).rstrip("/")
    return f"…/{path.rpartition('/')[2]}"
