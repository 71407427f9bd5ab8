"""Where in a TOML text a field stands, which tomllib does not tell. Good enough for a message: no second parser."""

import re
from collections.abc import Mapping

HEADER = re.compile(r"\s*\[+\s*(?P<path>[^\]]+?)\s*\]+\s*(#.*)?")
KEY = re.compile(r"""\s*(?P<path>[\w."'-]+(?:\s*\.\s*[\w"'-]+)*)\s*=.*""")


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """The number of the first line, from 1, of each table and key of *text*, by its path."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := HEADER.fullmatch(line):
            table = _parts(header["path"])
            for depth in range(1, len(table) + 1):
                found.setdefault(table[:depth], number)
        elif key := KEY.fullmatch(line):
            found.setdefault(table + _parts(key["path"]), number)
    return found


def line_of(path: tuple[str, ...], lines: Mapping[tuple[str, ...], int]) -> int:
    """The line of *path*, or else of the innermost table or key around it; 1 where there is none."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in path.split("."))
