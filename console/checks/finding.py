"""What a check found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """*what* was looked at; `words` say what is there or, unless it is ok, what is wrong and what to do."""

    what: str
    ok: bool
    words: str


def good(what: str, words: str) -> Finding:
    """Nothing to do."""
    return Finding(what, ok=True, words=words)


def bad(what: str, words: str) -> Finding:
    """Something to do, and what."""
    return Finding(what, ok=False, words=words)
