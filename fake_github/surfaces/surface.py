"""Defines surfaces, each a kind of thing that GitHub shows on a commit, and the endpoints that their requests reach."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from re import Pattern
from typing import Protocol

from fake_github.answers.paging import page_of
from fake_github.exchange import Answer, Call, Json
from fake_github.limits import Limits
from fake_github.store import Store, Stored

AT_ONCE = timedelta(0)

REPOSITORY = r"/(?:repos/(?P<repository>[^/]+/[^/]+)|repositories/(?P<id>\d+))"
"""Begins the path of an endpoint of a repository; `ref`, another group, is what of the repository it is about."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The data of this GitHub. Repositories and commits in lower case are the only ones that exist; None: all do.

    `readers`: tokens whose owners may only read. `archived`: repositories, in lower case. `refs`: the branches and tags
    of every repository, and their commits. `renamed`: new names of repositories by the earlier one, in lower case.
    """

    bad_tokens: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()
    repositories: frozenset[str] | None = None
    archived: frozenset[str] = frozenset()
    commits: frozenset[str] | None = None
    refs: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)

    def has_commit(self, sha: str) -> bool:
        """Whether the whole hash *sha* is of a commit."""
        return self.commits is None or sha.lower() in self.commits


@dataclass(frozen=True, slots=True)
class Timing:
    """When a request takes effect. `store_in`: from now, None: never. `lag`: the age of what is read."""

    store_in: timedelta | None = AT_ONCE
    lag: timedelta = AT_ONCE


@dataclass(frozen=True, slots=True)
class Visit:
    """An admitted request to a repository, with all that its answer depends on."""

    call: Call
    repository: str
    ref: str
    timing: Timing
    store: Store
    rules: Rules

    @property
    def number(self) -> int:
        """The id of the repository."""
        return self.store.repository_id(self.repository)

    def shown(self) -> list[Stored]:
        """What the commit shows, newest first, as old as the request sees it."""
        return self.store.of_commit(self.repository, self.ref, lag=self.timing.lag)

    def page(self, listed: list[Stored], last: str) -> tuple[Sequence[Stored], Mapping[str, str]]:
        """The requested page of *listed*, and its `Link` header; *last* ends the address of the list."""
        url = f"{self.call.base_url}/repositories/{self.number}/commits/{self.ref.lower()}/{last}"
        return page_of(listed, self.call.query, url)

    def keep(self, stored: Stored) -> int | None:
        """Store *stored*, if the request takes effect at all. Returns its id. None: it is not stored."""
        if self.timing.store_in is None:
            return None
        self.store.add(stored)
        return stored.id


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Requests of one kind: a method and a path, and how they are answered.

    `names`: what the body of a request names, such as its `context` and its `state`, which faults may name too.
    `name`: of a request of an App, by which alone faults strike it. `needs`: the permission of an installation token;
    None: that of the surface.
    """

    method: str
    path: Pattern[str]
    answer: Callable[[Visit], Answer]
    names: Callable[[Json], Json] = lambda _: {}
    name: str = ""
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for. `repository` is "owner/name"; None: the rate limit, or a number that none has."""

    endpoint: Endpoint
    repository: str | None
    is_numbered: bool
    ref: str
    named: Json


class Surface(Protocol):
    """A kind of thing that GitHub shows on a commit: how it is created and listed, and what replies say of it.

    `permission`: what a token needs to write it. `foreign`: fields of a body about another one than was asked for.
    """

    permission: str
    foreign: Json

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The requests that create, update and list it."""
        ...

    def body(self, stored: Stored, base_url: str) -> Json:
        """What a reply shows of *stored*."""
        ...

    def too_many(self) -> Answer:
        """The refusal of one more under the same name on a commit."""
        ...
