"""Annotations: what GitHub shows at the lines of a commit's files."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Annotation:
    """A finding at lines of a file of the commit.

    `path` is relative to the repository's root, lines count from 1, `level` is `notice`, `warning` or `failure`;
    `message` has at most 64 KB, `title` at most 255 characters.
    https://docs.github.com/rest/checks/runs#create-a-check-run
    """

    path: str
    start_line: int
    end_line: int
    level: str
    message: str
    title: str = ""
