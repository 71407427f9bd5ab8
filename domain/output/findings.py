"""Finds in a command's output what it says of places in files: warnings and errors that have a path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from domain.output.finding_rules import CONFIGURATION, FILE, HINT, IN_FILE, ONE_LINE, PLACE_OF, SAID
from domain.output.patterns import Find

MOST = 1000
"""Findings that are kept of one output."""


class Level(StrEnum):
    """How bad it is, in the words of GitHub's annotations."""

    FAILURE = "failure"
    WARNING = "warning"
    NOTICE = "notice"


FAILURES = frozenset(("error", "critical", "severe", "fatal", "failure"))
NOTICES = frozenset(("notice", "info", "note", "suggestion"))


@dataclass(frozen=True, slots=True)
class Finding:
    """What a tool says of a place in a file.

    `path` is as printed: absolute, relative to the working copy or a folder in it, or the address of a page. `line`
    counts from 1; None: the tool names none, but perhaps `quotes` a text that stands there. `end_line`: the last of
    several lines; `title`: the name of the rule that is broken, if the tool gives it apart from its words.
    """

    path: str
    line: int | None
    level: Level
    message: str
    quotes: str = ""
    end_line: int | None = None
    title: str = ""


class FindingParser:
    """Takes an output line by line, its runs of white space as single blanks; keeps each finding once.

    *own* patterns take precedence over those of known tools. Some tools name the file first and then, line by line,
    what is wrong with it; others say what is wrong, and where in the next line.
    """

    def __init__(self, own: Sequence[Find] = ()) -> None:
        self._own = own
        self._found: dict[Finding, None] = {}
        self._file = ""
        self._said: Mapping[str, str | None] | None = None
        self._unplaced: Finding | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, in the order of the output."""
        return tuple(self._found)

    def take(self, line: str) -> None:
        """Process the next line."""
        if len(self._found) >= MOST:
            return
        for find in self._own:
            if (named := find(line)) is not None:
                self._add({**named, "path": named["file"]})
                return
        line = line.removeprefix("│ ")  # Rspack's frame
        if HINT.search(line):
            self._take_known(line)

    def _take_known(self, line: str) -> None:
        if place := PLACE_OF.search(line):
            self._place(place.groupdict())
        elif said := SAID.search(line):
            self._said = said.groupdict()
        elif one := _first(ONE_LINE, line):
            self._add(one)
        elif file := FILE.search(line):
            self._file = next(filter(None, file.groups()))
        elif self._file and (one := _first(IN_FILE, line)):
            self._unplaced = self._add({**one, "path": self._file})

    def _place(self, place: Mapping[str, str | None]) -> None:
        """Use a line that says where: of what the line before it said, or of the latest finding without a line."""
        if self._said and place["path"]:
            self._add({**self._said, **place})
        elif self._unplaced and self._unplaced.line is None and place["only_line"]:
            del self._found[self._unplaced]
            self._found[replace(self._unplaced, line=int(place["only_line"]))] = None
        self._said = self._unplaced = None

    def _add(self, named: Mapping[str, str | None]) -> Finding:
        line = named.get("line")
        found = Finding(
            named["path"] or "",
            int(line) if line else None,
            _level(named.get("level")),
            (named["message"] or "").strip(),
            (named.get("quotes") or "").strip("`'\""),
        )
        self._found.setdefault(found)
        return found


def _first(rules: Sequence[tuple[str, Any]], line: str) -> dict[str, str | None] | None:
    """The groups of the first rule that finds *line*, with the rule's level where the line names none."""
    for level, rule in rules:
        if found := rule.search(line):  # of re2, which has no types
            named: dict[str, str | None] = found.groupdict()
            return {"path": CONFIGURATION, **named, "level": named.get("level") or level}
    return None


def _level(word: str | None) -> Level:
    said = (word or "").lower()
    return Level.FAILURE if said in FAILURES else Level.NOTICE if said in NOTICES else Level.WARNING
