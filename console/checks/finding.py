"""The result of a check of `reportback doctor`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was checked; `words` describe it or, unless it is ok, say what is wrong and what to do."""

    what: str
    ok: bool
    words: str


def good(what: str, words: str) -> Finding:
    """A finding without a problem."""
    return Finding(what, ok=True, words=words)


def bad(what: str, words: str) -> Finding:
    """A problem, with what to do."""
    return Finding(what, ok=False, words=words)
