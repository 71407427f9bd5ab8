"""Lists the files of a commit, and which of them it changes, while nothing of a job has run."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field


class Paths:
    """A set of paths, in eight bytes for each: a commit may have millions. What it holds of each is its hash.

    Two paths with the same hash are taken for one; of a million paths, one in 10**13 has the hash of a given other one.
    """

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._hashes = array("q", map(hash, paths))

    def add(self, path: str) -> None:
        """Add *path*."""
        self._hashes.append(hash(path))

    def among(self, paths: Iterable[str]) -> frozenset[str]:
        """Those of *paths*, which are few, that are in it."""
        by_hash = {hash(path): path for path in paths}
        return frozenset(by_hash[one] for one in self._hashes if one in by_hash)


@dataclass(slots=True)
class CommitFiles:
    """The files of a commit, filled while it is checked out: afterwards a job may have changed the repository.

    Paths that git prints in quotes, or that are too long for a line of its output, are missing. `changed`: the files
    that differ from an earlier commit; None: from which, or whether they do, is not known.
    """

    paths: Paths = field(default_factory=Paths)
    changed: Paths | None = None
