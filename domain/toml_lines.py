"""Finds the line of a field in a TOML text, which tomllib does not provide. Heuristic, for error messages only."""

import re
from collections.abc import Mapping

HEADER = re.compile(r"\s*\[(?P<is_item>\[?)\s*(?P<path>[^\]]+?)\s*\]+\s*(#.*)?")
KEY = re.compile(r"""\s*(?P<path>[\w."'-]+(?:\s*\.\s*[\w"'-]+)*)\s*=.*""")

QUOTED = re.compile(r"""\"(?:[^"\\]|\\.)*+"|'[^']*+'|#.*""")
BRACKET = re.compile(r"[\[\]{}]")
MOST_LEVELS = 50
"""Deepest nesting that is accepted."""


def deep_line(text: str) -> int:
    """The number of the first line with more than `MOST_LEVELS` open brackets and braces; 1 if there is none."""
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        for mark in BRACKET.findall(QUOTED.sub("", line)):
            depth = max(0, depth + (1 if mark in "[{" else -1))
            if depth > MOST_LEVELS:
                return number
    return 1


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """The number of the first line, from 1, of each table and key of *text*, by its path.

    In the path of a table of an array, `[[a.b]]`, its index follows the array's name; inline arrays are left out.
    """
    found: dict[tuple[str, ...], int] = {}
    items: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.fullmatch(line):
            table = _table(_parts(header["path"]), items, is_item=bool(header["is_item"]))
            for depth in range(1, len(table) + 1):
                found.setdefault(table[:depth], number)
        elif key := KEY.fullmatch(line):
            found.setdefault(table + _parts(key["path"]), number)
    return found


def _table(names: tuple[str, ...], items: dict[tuple[str, ...], int], *, is_item: bool) -> tuple[str, ...]:
    """The path of a header's table: within the last table of each array that it names, or a new table of it."""
    path: tuple[str, ...] = ()
    for depth, name in enumerate(names, start=1):
        path += (name,)
        if is_item and depth == len(names):
            items[path] = items.get(path, -1) + 1
        if path in items:
            path += (str(items[path]),)
    return path


def line_of(path: tuple[str, ...], lines: Mapping[tuple[str, ...], int]) -> int:
    """The line of *path*, or else of the innermost table or key around it; 1 where there is none."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in path.split(".", MOST_LEVELS)[:MOST_LEVELS])
