"""Matches repositories against shell patterns over owner/name; letter case is ignored."""

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

PATTERN = re.compile(r"\*|[\w.*?\[\]!-]+/[\w.*?\[\]!-]+", re.ASCII)
"""A valid pattern: `*` for every repository, or a part on both sides of one slash."""

OPEN = (
    "jobs are taken for whatever repository the token may write to; REPORTBACK_ALLOWED_REPOSITORIES, such as "
    '"acme/*", says for which they are'
)


def first_match(repository: str, patterns: Iterable[str]) -> str | None:
    """The first of *patterns* that matches *repository*. `*` also matches "/"."""
    folded = repository.lower()
    return next((pattern for pattern in patterns if fnmatchcase(folded, pattern.lower())), None)


def is_open(allowed: Collection[str], credentials: Collection[str]) -> bool:
    """Whether jobs of every repository are accepted: neither *allowed* nor *credentials* restricts them.

    *credentials*: the patterns of the credentials; without any, one credential serves every repository.
    """
    return not allowed and (not credentials or any(set(pattern) <= set("*/") for pattern in credentials))
