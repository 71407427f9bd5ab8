"""Patterns of paths as in jobs.toml: "docs/**", "**/*.md", "!docs/drafts/**"."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from domain.linear_regex import compiled

PARTS = re.compile(r"\*\*/|\*\*|\*|\?|[^*?]+")
MEANS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _checked(pattern: str) -> str:
    parts = pattern.removeprefix("!").removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or not pattern.isprintable():
        raise ValueError(
            f'{pattern!r} is no pattern of paths; allowed: such as "docs/**", "**/*.md", "!docs/drafts/**"'
        )
    return pattern.removesuffix("/")


PathPattern = Annotated[str, Field(min_length=1, max_length=250), AfterValidator(_checked)]
"""A path in a repository, in which `*` is any text without "/", `**` any text, `?` one character. "!" excludes it."""


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether *path* fits *patterns*: the last of those that it fits decides. A folder means all that is in it."""
    fitting = [one for one in patterns if _regex(one.removeprefix("!")).fullmatch(path)]
    return bool(fitting) and not fitting[-1].startswith("!")


@lru_cache(maxsize=200)
def _regex(pattern: str) -> Any:  # noqa: ANN401  # see compiled
    return compiled(
        "(?s)" + "".join(MEANS.get(part) or re.escape(part) for part in PARTS.findall(pattern)) + "(?:/.*)?"
    )
