"""Stores what commits of the stand-in show, and the ids of repositories."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]

FIRST_ID = 10_358_678_319
"""GitHub's ids stopped fitting 32 bits in 2020: https://github.com/SpinlockLabs/github.dart/issues/229"""

FIRST_REPOSITORY_ID = 1_296_269

STATES = ("error", "failure", "pending", "success")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a request asks to show on a commit. `repository` is "owner/name"; `state` is one of `STATES`."""

    repository: str
    sha: str
    context: str
    state: str
    description: str | None = None
    target_url: str | None = None

    @property
    def commit(self) -> tuple[str, str]:
        """The key of the commit: GitHub ignores case in repository names."""
        return folded(self.repository, self.sha)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Draft):
    """What a commit shows. Its id is assigned on request, so one stored late has a lower id than its neighbours."""

    id: int
    created_at: datetime


def folded(repository: str, sha: str) -> tuple[str, str]:
    """The key of a commit."""
    return repository.lower(), sha.lower()


class Store:
    """The statuses, which are never changed or removed, and the ids of all that is stored."""

    def __init__(self, clock: Clock) -> None:
        """*clock* returns the time in UTC; what has a later time is not visible yet."""
        self.clock = clock
        self._stored: list[Stored] = []
        self._ids = count(FIRST_ID)
        self._repositories: dict[str, tuple[int, str]] = {}

    def new_id(self) -> int:
        """An id that nothing else has."""
        return next(self._ids)

    def drafted(self, draft: Draft, *, after: timedelta = timedelta(0)) -> Stored:
        """What *draft* would become in *after* from now, with an id of its own; not stored."""
        self.repository_id(draft.repository)
        return Stored(**asdict(draft) | {"id": self.new_id(), "created_at": self.clock() + after})

    def add(self, stored: Stored) -> None:
        """Hold *stored* from its `created_at` on."""
        self._stored.append(stored)
        self._stored.sort(key=lambda one: one.created_at)  # stable: equal times stay in the order of addition

    def held(self) -> list[Stored]:
        """All that is held by now, oldest first."""
        now = self.clock()
        return [one for one in self._stored if one.created_at <= now]

    def of_commit(self, repository: str, sha: str, *, lag: timedelta = timedelta(0)) -> list[Stored]:
        """What a commit shows, newest first, as they were *lag* ago."""
        until = self.clock() - lag
        commit = folded(repository, sha)
        return [one for one in reversed(self._stored) if one.created_at <= until and one.commit == commit]

    def count(self, draft: Draft) -> int:
        """How many there are, or will be, for the commit and context of *draft*."""
        context = draft.context.lower()
        return sum(one.commit == draft.commit and one.context.lower() == context for one in self._stored)

    def repository_id(self, name: str) -> int:
        """The id of the repository *name*, the same every time; the first spelling is kept."""
        number = FIRST_REPOSITORY_ID + len(self._repositories)
        return self._repositories.setdefault(name.lower(), (number, name))[0]

    def repository_named(self, number: int) -> str | None:
        """The name of the repository with this *number*. None: there is none."""
        return next((name for known, name in self._repositories.values() if known == number), None)


def latest(newest_first: list[Stored]) -> list[Stored]:
    """The latest of each context, in the order of their contexts; case is ignored in contexts."""
    found: dict[str, Stored] = {}
    for one in newest_first:
        found.setdefault(one.context.lower(), one)
    return [found[context] for context in sorted(found)]


def combined_state(shown: list[Stored]) -> str:
    """The state of all that is *shown* of a commit, each the latest of its context.

    https://docs.github.com/rest/commits/statuses#get-the-combined-status-for-a-specific-reference
    """
    states = {one.state for one in shown}
    if states & {"error", "failure"}:
        return "failure"
    return "pending" if not states or "pending" in states else "success"
