"""Lists the files of a commit, and which of them it changes, while nothing of a job has run."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class CommitFiles:
    """The files of a commit, filled while it is checked out: afterwards a job may have changed the repository.

    Paths that git prints in quotes, or that are too long for a line of its output, are missing. `changed`: the files
    that differ from an earlier commit; None: from which, or whether they do, is not known.
    """

    paths: set[str] = field(default_factory=set)
    changed: frozenset[str] | None = None
