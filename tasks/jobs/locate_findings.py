"""Finds the files and lines of a working copy that a command's findings are about.

No process of the job runs any more. Symbolic links are not followed, and git is not asked: the job may have changed its
configuration.
"""

import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from domain.output.findings import Finding
from tasks.process.background import Stop, never

FILES_KEPT = 50
"""Files whose lines are kept in memory."""

MOST_FILES = 100_000
LARGEST = 1 << 20
"""Bytes of a file in which a line is looked for."""

NOT_SOURCES = frozenset(("node_modules", "site-packages", "__pycache__"))
OF_PAGE = ("", ".md", ".mdx", "/index.md", "/index.mdx", "/README.md")
"""What makes the address of a page the name of its file."""


def located(findings: Sequence[Finding], copy: Path, stop: Stop = never) -> tuple[Finding, ...]:
    """*findings*, each once, with paths relative to *copy* and lines that are there, or else with an empty path."""
    files = _Files(copy.resolve(), stop)
    placed = (_nowhere(one) if stop() else _place(one, files) for one in findings)
    return tuple(dict.fromkeys(placed))


def _nowhere(finding: Finding) -> Finding:
    """*finding* without a place; what it says names the file."""
    named = PurePosixPath(finding.path).name
    message = finding.message if named in finding.message else f"{named}: {finding.message}"
    return replace(finding, path="", line=None, end_line=None, quotes="", message=message)


def _place(finding: Finding, files: "_Files") -> Finding:
    possible = list(files.named(finding.path))
    if finding.line is None and finding.quotes:
        for path in possible:
            if line := files.line_of(path, finding.quotes):
                return replace(finding, path=path, line=line, quotes="")
    if not possible:
        return _nowhere(finding)
    last = max(1, len(files.lines(possible[0])))
    end = min(finding.end_line, last) if finding.end_line else None
    return replace(finding, path=possible[0], line=min(max(finding.line or 1, 1), last), end_line=end, quotes="")


@dataclass
class _Files:
    """The regular files in `root`, a path without symbolic links."""

    root: Path
    stop: Stop
    _read: dict[str, list[str]] = field(default_factory=dict)

    def named(self, path: str) -> Iterator[str]:
        """The files that a tool may mean by *path*: itself, then those below other folders, the outermost first."""
        path = path.removeprefix("file://")
        is_page = path.startswith("/") and not path.startswith(f"{self.root}/")
        path = os.path.normpath(path.removeprefix(f"{self.root}/")).lstrip("/")
        whole = path.split("/")
        starts = range(len(whole)) if is_page else range(1)  # the address of a page may begin with that of its site
        seen = ("/".join(whole[start:]) + end for start in starts for end in (OF_PAGE if is_page else ("",)))
        yield from dict.fromkeys(found for one in seen for found in self._ending_in(one))

    def _ending_in(self, path: str) -> Iterable[str]:
        found = self._by_name.get(PurePosixPath(path).name, [])
        return [one for one in found if one == path or one.endswith(f"/{path}")]

    @cached_property
    def _by_name(self) -> Mapping[str, list[str]]:
        found = defaultdict[str, list[str]](list)
        for path in sorted(self._walk(), key=lambda path: (path.count("/"), path)):
            found[path.rpartition("/")[2]].append(path)
        return found

    def _walk(self) -> Iterator[str]:
        count = 0
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in NOT_SOURCES and not name.startswith(".")]
            for name in names:
                count += 1
                if count > MOST_FILES or self.stop():
                    return
                yield os.path.relpath(f"{folder}/{name}", self.root)

    def line_of(self, path: str, text: str) -> int | None:
        """The first line of the file with *text*, of a Python file with its definition; None: it has none."""
        lines = self.lines(path)
        if path.endswith(".py"):
            return _line_of_definition(lines, text)
        return next((number for number, line in enumerate(lines, start=1) if text in line), None)

    def lines(self, path: str) -> list[str]:
        """The lines of a regular file; none of one that is too large, or of anything else."""
        if path not in self._read:
            while len(self._read) >= FILES_KEPT:
                del self._read[next(iter(self._read))]
            self._read[path] = _lines(self.root / path)
        return self._read[path]


def _line_of_definition(lines: Sequence[str], dotted: str) -> int | None:
    """The line that defines the last of several names with dots between them: in the class before it, if that is there.

    A method or class, or else an attribute that has a value or a type.
    """
    owner, _, name = dotted.rpartition(".")
    inside = _first(lines, rf"\s*class {re.escape(owner.rpartition('.')[2])}\b") or 0
    defined, assigned = (
        rf"\s*(?:async )?(?:def|class) {re.escape(name)}\b",
        rf"\s*(?:self\.)?{re.escape(name)}\s*[:=]",
    )
    places = ((inside, defined), (inside, assigned), (0, defined), (0, assigned))
    return next(filter(None, (_first(lines, words, start) for start, words in places)), inside or None)


def _first(lines: Sequence[str], words: str, start: int = 0) -> int | None:
    """The number of the first line after *start* that begins with *words*."""
    beginning = re.compile(words)
    return next((number for number, line in enumerate(lines[start:], start + 1) if beginning.match(line)), None)


def _lines(path: Path) -> list[str]:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
                return []
            return file.read(LARGEST).decode(errors="replace").splitlines()
    except OSError:
        return []
