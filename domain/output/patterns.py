"""Patterns for lines of output, such as "{done} of {total} pages".

Not regular expressions: the text is searched for literally, in bounded time whatever the output contains.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection
from typing import Annotated, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.text import one_line

PIECE = re.compile(r"\{(?P<number>[a-z]*)\}|(?P<text>[^{}]+)|(?P<brace>[{}])")
NUMBER = r" ??(?P<{}>[0-9]{{1,9}}+)(?![0-9]|[.,][0-9]) ??"
NOT_WITHIN = r"(?<![\w.,/-])"
"""A number at the beginning of a pattern is not part of a path, a version or a fraction."""
WHOLE = r"(?<![0-9])(?<![0-9][.,])"
"""A number after "*" is not part of a longer one."""

Find: TypeAlias = Callable[[str], dict[str, str] | None]
"""The numbers in a line by name, perhaps none; None: the pattern does not match."""

Text = Annotated[str, Field(min_length=1, max_length=200)]


class LinePattern(BaseModel):
    """Meaning of a kind of line: a job's progress (`progress`), a count (`count`), or an error (`error`).

    `what`: what is counted, in the plural; also for a progress that the summary should name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    progress: Text | None = None
    count: Text | None = None
    error: Text | None = None
    what: Annotated[str, Field(min_length=1, max_length=50)] | None = Field(default=None, alias="as")

    @field_validator("progress")
    @classmethod
    def _tells_how_far(cls, text: str | None) -> str | None:
        if text is not None and set(_numbers(text)) not in ({"done", "total"}, {"percent"}):
            raise ValueError(f"{text!r} is no progress; allowed in braces: {{done}} and {{total}}, or {{percent}}")
        return text

    @field_validator("count")
    @classmethod
    def _tells_how_many(cls, text: str | None) -> str | None:
        return _with_at_most(("count",), text)

    @field_validator("error")
    @classmethod
    def _tells_why(cls, text: str | None) -> str | None:
        return _with_at_most((), text)

    @field_validator("what")
    @classmethod
    def _is_one_line(cls, what: str | None) -> str | None:
        if what is not None and what != one_line(what):
            raise ValueError("must be one line without control characters or surrounding blanks")
        return what

    @model_validator(mode="after")
    def _tells_one_thing(self) -> Self:
        if sum(text is not None for text in (self.progress, self.count, self.error)) != 1:
            raise ValueError("needs one of progress, count and error, and not more")
        if self.count is not None and self.what is None:
            raise ValueError('a count needs as = "…": what is counted, such as "pages"')
        if self.what is not None and (self.error is not None or "{percent}" in (self.progress or "")):
            raise ValueError("as belongs to a count, or to a progress with {done} and {total}")
        return self


def finder(text: str) -> Find:
    """A function that finds *text* in a line whose runs of white space are single blanks.

    Each part between two `*` is searched for once, after the part before it. So the steps are at most the line's length
    times the pattern's, and a few times as many if a blank may belong to the number before or after it.
    """
    first, *others = re.split(r"\*+", re.sub(r"\s+", " ", text))
    begin = "^" if first.startswith("^") else NOT_WITHIN if first.startswith("{") else ""
    search = _compiled(begin, first.removeprefix("^")).search
    searches = [_compiled(WHOLE if part.startswith("{") else "", part).search for part in others]

    def find(line: str) -> dict[str, str] | None:
        if (found := search(line)) is None:  # most lines: no more than this for each of them
            return None
        numbers = found.groupdict()
        for search_on in searches:
            if (found := search_on(line, found.end())) is None:
                return None
            numbers |= found.groupdict()
        return numbers

    return find


def _compiled(begin: str, part: str) -> re.Pattern[str]:
    pieces = PIECE.finditer(part)
    found = [NUMBER.format(piece["number"]) if piece["number"] else re.escape(piece["text"]) for piece in pieces]
    return re.compile(begin + "".join(found))


def _numbers(text: str) -> Counter[str]:
    """The names in the braces of *text*, and how often each occurs. Raises ValueError."""
    pieces = list(PIECE.finditer(text))
    if any(piece["brace"] for piece in pieces):
        raise ValueError(f'{text!r} has a brace without its other half; "*" stands for any text, a brace too')
    names = Counter(piece["number"] for piece in pieces if piece["number"] is not None)
    if twice := [name for name, times in names.items() if times > 1]:
        raise ValueError(f"{text!r} has {{{twice[0]}}} twice")
    return names


def _with_at_most(allowed: Collection[str], text: str | None) -> str | None:
    if text is not None and (unknown := _numbers(text).keys() - set(allowed)):
        names = ", ".join(f"{{{name}}}" for name in allowed) or "nothing"
        raise ValueError(f"{{{min(unknown)}}} means nothing here; allowed in braces: {names}")
    return text
