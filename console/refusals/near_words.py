"""Finds the word that is probably meant by a misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The one of *known* that is most like *word*; None: none is."""
    return next(iter(get_close_matches(word, [*known], n=1)), None)
