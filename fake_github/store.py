"""Stores the stand-in's statuses and the ids of repositories."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]

FIRST_STATUS_ID = 10_358_678_319
"""GitHub's ids stopped fitting 32 bits in 2020: https://github.com/SpinlockLabs/github.dart/issues/229"""

FIRST_REPOSITORY_ID = 1_296_269


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A requested status. `repository` is "owner/name"."""

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
class Status(Draft):
    """A stored status. Its id is assigned on request, so one stored late has a lower id than its neighbours."""

    id: int
    created_at: datetime


def folded(repository: str, sha: str) -> tuple[str, str]:
    """The key of a commit."""
    return repository.lower(), sha.lower()


class Store:
    """Statuses are added, never changed or removed, as on GitHub."""

    def __init__(self, clock: Clock) -> None:
        """*clock* returns the time in UTC; a status with a later time is not visible yet."""
        self.clock = clock
        self._statuses: list[Status] = []
        self._ids = count(FIRST_STATUS_ID)
        self._repositories: dict[str, tuple[int, str]] = {}

    def drafted(self, draft: Draft, *, after: timedelta = timedelta(0)) -> Status:
        """The status that *draft* would become in *after* from now, with an id of its own; not stored."""
        self.repository_id(draft.repository)
        return Status(
            repository=draft.repository,
            sha=draft.sha,
            context=draft.context,
            state=draft.state,
            description=draft.description,
            target_url=draft.target_url,
            id=next(self._ids),
            created_at=self.clock() + after,
        )

    def add(self, status: Status) -> None:
        """Hold *status* from its `created_at` on."""
        self._statuses.append(status)
        self._statuses.sort(key=lambda one: one.created_at)  # stable: equal times stay in the order of addition

    def held(self) -> list[Status]:
        """Every status held by now, oldest first."""
        now = self.clock()
        return [status for status in self._statuses if status.created_at <= now]

    def of_commit(self, repository: str, sha: str, *, lag: timedelta = timedelta(0)) -> list[Status]:
        """The statuses of a commit, newest first, as they were *lag* ago."""
        until = self.clock() - lag
        commit = folded(repository, sha)
        return [one for one in reversed(self._statuses) if one.created_at <= until and one.commit == commit]

    def count(self, draft: Draft) -> int:
        """How many statuses there are, or will be, for the commit and context of *draft*."""
        context = draft.context.lower()
        return sum(one.commit == draft.commit and one.context.lower() == context for one in self._statuses)

    def repository_id(self, name: str) -> int:
        """The id of the repository *name*, the same every time; the first spelling is kept."""
        number = FIRST_REPOSITORY_ID + len(self._repositories)
        return self._repositories.setdefault(name.lower(), (number, name))[0]

    def repository_named(self, number: int) -> str | None:
        """The name of the repository with this *number*. None: there is none."""
        return next((name for known, name in self._repositories.values() if known == number), None)


def latest(newest_first: list[Status]) -> list[Status]:
    """The latest status of each context, in the order of their contexts; case is ignored in contexts."""
    found: dict[str, Status] = {}
    for status in newest_first:
        found.setdefault(status.context.lower(), status)
    return [found[context] for context in sorted(found)]


def combined_state(statuses: list[Status]) -> str:
    """The combined state of the latest *statuses* of a commit.

    https://docs.github.com/rest/commits/statuses#get-the-combined-status-for-a-specific-reference
    """
    states = {status.state for status in statuses}
    if states & {"error", "failure"}:
        return "failure"
    return "pending" if not states or "pending" in states else "success"
