"""Patterns for lines of output, such as "{done} of {total} pages": regular expressions that name what they read."""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from domain.linear_regex import compiled
from domain.text import one_line

NAMED = re.compile(r"(?<!\\[px])\{(?P<name>[a-z]+)\}")
NUMBER = r" ?(?P<\g<name>>[0-9]{1,9}) ?"
"""What `{name}` stands for."""

WORDS = {"file": r"""[^\s:"'`()]+""", "level": r"\w+", "message": ".+"}
"""What a name stands for that is no number."""

WHOLE = re.compile(r"(?<![0-9])(?<![0-9][.,])[0-9]{1,9}+(?![0-9]|[.,][0-9])")
ALONE = re.compile(rf"(?<![\w.,/-]){WHOLE.pattern}")
"""A number at the beginning of what a pattern matches is not part of a path, a version or a fraction."""

Text = Annotated[str, Field(min_length=1, max_length=200)]
Find: TypeAlias = Callable[[str], dict[str, str] | None]
"""The numbers in a line by name, perhaps none; None: the pattern does not match."""

REPEATED_BLANK = re.compile(r"\[\^?\]?(?:\\.|[^]\\])*\]|\\.|(?P<blank> \*)", re.DOTALL)
"""A blank that is repeated, outside of a class: in a line, runs of blanks are single ones."""

ALLOWED: dict[str, tuple[set[str], ...]] = {
    "progress": ({"done", "total"}, {"percent"}),
    "count": ({"count"}, set()),
    "error": (set(),),
    "finding": tuple({"file", "message", *more} for more in ((), ("line",), ("level",), ("line", "level"))),
}
"""The sets of names that the pattern of a field may have."""


class LinePattern(BaseModel):
    """Meaning of a kind of line: a job's progress, a count, an error, or what is wrong where in a file (`finding`).

    `what`: what is counted, in the plural; also for a progress that the summary should name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    progress: Text | None = None
    count: Text | None = None
    error: Text | None = None
    finding: Text | None = None
    what: Annotated[str, Field(min_length=1, max_length=50)] | None = Field(default=None, alias="as")

    @field_validator("progress", "count", "error", "finding")
    @classmethod
    def _has_the_names_of_its_field(cls, text: str | None, info: ValidationInfo) -> str | None:
        allowed = ALLOWED[str(info.field_name)]
        if text is not None and any(found["blank"] for found in REPEATED_BLANK.finditer(text)):
            raise ValueError(rf"{text!r} repeats a blank, of which no line has two: any text is .*?, and a star \*")
        if text is not None and set(_names(text)) not in allowed:
            names = (" and ".join(f"{{{name}}}" for name in sorted(one)) or "nothing" for one in allowed)
            raise ValueError(f"{text!r} is no {info.field_name}; allowed in braces: {', or '.join(names)}")
        return text

    @field_validator("what")
    @classmethod
    def _is_one_line(cls, what: str | None) -> str | None:
        if what is not None and what != one_line(what):
            raise ValueError("must be one line without control characters or surrounding blanks")
        return what

    @model_validator(mode="after")
    def _tells_one_thing(self) -> Self:
        if sum(text is not None for text in (self.progress, self.count, self.error, self.finding)) != 1:
            raise ValueError("needs one of progress, count, error and finding, and not more")
        if self.count is not None and self.what is None:
            raise ValueError('a count needs as = "…": what is counted, such as "pages"')
        of_no_number = self.error is not None or self.finding is not None
        if self.what is not None and (of_no_number or "percent" in _names(self.progress or "")):
            raise ValueError("as belongs to a count, or to a progress with {done} and {total}")
        return self


def finder(text: str) -> Find:
    """A function that finds *text* in a line whose runs of white space are single blanks."""
    expression = _expression(text)

    def find(line: str) -> dict[str, str] | None:
        return next((one.groupdict() for one in expression.finditer(line) if _has_whole_numbers(one, line)), None)

    return find


def _names(text: str) -> Iterable[str]:
    """The names of its numbers."""
    return _expression(text).groupindex


def _expression(text: str) -> re.Pattern[str]:
    expression: re.Pattern[str] = compiled(NAMED.sub(_group, re.sub(" +", " ", text)))
    return expression


def _group(named: re.Match[str]) -> str:
    words = WORDS.get(named["name"])
    return f"(?P<{named['name']}>{words})" if words else named.expand(NUMBER)


def _has_whole_numbers(found: re.Match[str], line: str) -> bool:
    """Whether its named groups are numbers, and none of them part of another one such as 1.5."""
    numbers = (group for name, group in found.re.groupindex.items() if name not in WORDS)
    for start, end in map(found.span, numbers):
        number = (ALONE if start == found.start() else WHOLE).match(line, start) if start >= 0 else None
        if number is None or number.end() != end:
            return False
    return True
