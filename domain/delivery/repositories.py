"""Which repositories are meant: shell patterns over owner/name, in which letter case makes no difference."""

import re
from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

PATTERN = re.compile(r"\*|[\w.*?\[\]!-]+/[\w.*?\[\]!-]+", re.ASCII)
"""What a pattern can be: every repository, or something on both sides of one slash."""

OPEN = (
    "jobs are taken for whatever repository the token may write to; REPORTBACK_ALLOWED_REPOSITORIES, such as "
    '"acme/*", says for which they are'
)


def first_match(repository: str, patterns: Iterable[str]) -> str | None:
    """The first of *patterns* that means *repository*. `*` also matches "/"."""
    folded = repository.lower()
    return next((pattern for pattern in patterns if fnmatchcase(folded, pattern.lower())), None)


def is_open(allowed: Collection[str], credentials: Collection[str]) -> bool:
    """Whether nothing bounds for which repositories jobs are taken: not *allowed*, nor *credentials*.

    These are the patterns of the credentials; without any, one credential is for every repository.
    """
    return not allowed and (not credentials or any(set(pattern) <= set("*/") for pattern in credentials))
