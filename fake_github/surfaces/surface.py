"""Defines surfaces, each a kind of thing that GitHub shows on a commit, and the endpoints that their requests reach."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from re import Pattern
from typing import Protocol, TypeVar

from fake_github.answers.paging import page_of
from fake_github.apps import App
from fake_github.exchange import Answer, Call, Json
from fake_github.limits import Limits
from fake_github.store import Store, Stored

AT_ONCE = timedelta(0)
WHOLE = 40
T = TypeVar("T")

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

    def commit_named(self, ref: str) -> str | None:
        """The sha of *ref*, a branch, a tag or a hash, perhaps abbreviated. None: there is none, or several.

        https://docs.github.com/rest/commits/commits#get-a-commit
        """
        name = re.sub(r"^(refs/)?(heads|tags)/", "", ref)
        if name in self.refs:
            return self.refs[name]
        sha, known = ref.lower(), {*self.refs.values(), *(self.commits or ())}
        if not re.fullmatch(r"[0-9a-f]{4,40}", sha):
            return None
        if len(sha) == WHOLE:
            return sha if self.commits is None or sha in known else None
        meant = [one for one in known if one.startswith(sha)]
        return meant[0] if len(meant) == 1 else None


@dataclass(frozen=True, slots=True)
class Timing:
    """When a request takes effect. `store_in`: from now, None: never. `lag`: the age of what is read.

    `lagging`: the fields of what can be changed that are so old; empty: all.
    """

    store_in: timedelta | None = AT_ONCE
    lag: timedelta = AT_ONCE
    lagging: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """An admitted request to a repository, with all that its answer depends on.

    `app`: whose installation token it was sent with; None: it was another token.
    """

    call: Call
    repository: str
    ref: str
    timing: Timing
    store: Store
    rules: Rules
    app: App | None = None

    @property
    def number(self) -> int:
        """The id of the repository."""
        return self.store.repository_id(self.repository)

    def shown(self) -> list[Stored]:
        """What the commit shows, newest first, as old as the request sees it."""
        return self.store.of_commit(self.repository, self.ref, lag=self.timing.lag)

    def page(self, listed: Sequence[T], path: str) -> tuple[Sequence[T], Mapping[str, str]]:
        """The requested page of *listed*, a list at *path* in the repository, and its `Link` header."""
        return page_of(listed, self.call.query, f"{self.call.base_url}/repositories/{self.number}/{path}")

    def keep(self, stored: Stored) -> int | None:
        """Store *stored*, if the request takes effect at all. Returns its id. None: it is not stored."""
        if self.timing.store_in is None:
            return None
        self.store.add(stored)
        return stored.id


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Requests of one kind: a method and a path, and how they are answered.

    `names`: what a request with this body and `ref` is about, such as its `context` and its `state`, which faults may
    name too. `name`: by which faults name it. `of_apps`: a request of an App itself, which no fault strikes but by its
    name. `needs`: the permission of an installation token; None: that of the surface.
    """

    method: str
    path: Pattern[str]
    answer: Callable[[Visit], Answer]
    names: Callable[[Json, str], Json] = lambda *_: {}
    name: str = ""
    of_apps: bool = False
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for. `repository` is "owner/name"; None: the rate limit, or a number that none has."""

    endpoint: Endpoint
    surface: "Surface"
    repository: str | None
    is_numbered: bool
    ref: str
    named: Json

    @property
    def sha(self) -> str:
        """The commit that it is about, as the request names it, if it is about one."""
        return str(self.named.get("sha", self.ref))


class Surface(Protocol):
    """A kind of thing that GitHub shows on a commit: how it is created and listed, and what replies say of it.

    `name`: of its JSON view. `permission`: what a token needs to write it. `for_apps`: whether only Apps write it.
    `foreign`: fields of a body about another one than was asked for.
    """

    name: str
    permission: str
    for_apps: bool
    foreign: Json

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The requests that create, update and list it."""
        ...

    def held(self, base_url: str) -> list[Json]:
        """All that is held by now, oldest first: GitHub's fields, `repository` and `sha`."""
        ...

    def too_many(self) -> Answer:
        """The refusal of more than GitHub keeps."""
        ...
