"""Answers requests as GitHub does without faults: no sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from fake_github import reads
from fake_github.answers import refusals, repository_shapes, shapes
from fake_github.exchange import Answer, Call, Endpoint, Route
from fake_github.limits import MINUTE, Balance, Limits
from fake_github.refs import commit_named
from fake_github.store import Store

AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Rules:
    """The data of this GitHub. Repositories and commits in lower case are the only ones that exist; None: all do.

    `readers`: tokens whose owners may only read. `archived`: repositories, in lower case. `refs`: the branches and tags
    of every repository, and their commits.
    """

    bad_tokens: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()
    repositories: frozenset[str] | None = None
    archived: frozenset[str] = frozenset()
    commits: frozenset[str] | None = None
    refs: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Timing:
    """When a request takes effect. `store_in`: from now, None: never. `lag`: the age of what is read."""

    store_in: timedelta | None = AT_ONCE
    lag: timedelta = AT_ONCE


class GitHub:
    """GitHub's API for statuses over a `Store`."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self.store = store
        self.rules = rules

    def answer(self, call: Call, timing: Timing) -> Answer:
        """The answer to *call*, and its effect. With `store_in` None a status is answered, yet not stored."""
        token = call.headers.get("authorization", "").partition(" ")[2].strip()
        cost = 0 if call.path == "/rate_limit" else 1
        balance = self.rules.limits.charge(token, cost, now=self.store.clock())
        refused = self._unwelcome(call, token) or self._limited(call, token, balance)
        answer = refused or self._answered(call, token, timing, balance)
        return answer.with_headers({**balance.headers, **answer.headers, "x-github-media-type": "github.v3"})

    def name_of(self, route: Route) -> str | None:
        """The repository that *route* names, by name or by number. None: there is no such number."""
        if route.repository_id is not None:
            return self.store.repository_named(route.repository_id)
        return route.repository

    def _unwelcome(self, call: Call, token: str) -> Answer | None:
        """The refusal for reasons other than the request itself; None: it is admitted."""
        if not call.headers.get("user-agent"):
            return Answer(403, refusals.NO_USER_AGENT)
        if not token and call.path != "/rate_limit":
            return refusals.refusal(401, "Requires authentication")
        if token in self.rules.bad_tokens:
            return refusals.bad_credentials()
        if call.headers.get("x-github-api-version", reads.VERSIONS[0]) not in reads.VERSIONS:
            return refusals.refusal(400, f"Unsupported API version. Supported: {', '.join(reads.VERSIONS)}")
        return None

    def _limited(self, call: Call, token: str, balance: Balance) -> Answer | None:
        if balance.over:
            return refusals.primary_limit(403, limit=balance.limit, reset_at=balance.reset_at)
        if call.method != "POST":
            return None
        match self.rules.limits.too_many_within(token, now=self.store.clock()):
            case None:
                return None
            case span if span == MINUTE:
                return refusals.secondary_limit(403, retry_after=60)
            case _:
                return refusals.blocked_from_creating()

    def _answered(self, call: Call, token: str, timing: Timing, balance: Balance) -> Answer:
        route = call.route
        if route is None:
            return refusals.not_found()
        if route.endpoint is Endpoint.RATE_LIMIT:
            return reads.rate_limit(call, balance)
        repository = self.name_of(route)
        if repository is None or not self._has(repository):
            return refusals.not_found()
        if route.endpoint is Endpoint.REPOSITORY:
            return self._repository(call, token, repository)
        if route.endpoint is Endpoint.CREATE_STATUS:
            refused = self._read_only(token, repository)
            return refused or self._create(call, repository, route.ref, timing.store_in)
        sha = self._commit(route)
        if sha is None:
            missing = route.endpoint is Endpoint.COMMIT
            return refusals.no_such_commit(route.ref) if missing else refusals.not_found()
        statuses = self.store.of_commit(repository, sha, lag=timing.lag)
        return reads.of_commit(self.store, call, route.endpoint, repository=repository, sha=sha, statuses=statuses)

    def _commit(self, route: Route) -> str | None:
        if route.endpoint is Endpoint.COMMIT:
            return commit_named(route.ref, self.rules.refs, self.rules.commits)
        sha = route.ref.lower()
        return sha if self.rules.commits is None or sha in self.rules.commits else None

    def _has(self, repository: str) -> bool:
        return self.rules.repositories is None or repository.lower() in self.rules.repositories

    def _repository(self, call: Call, token: str, name: str) -> Answer:
        number, is_archived = self.store.repository_id(name), name.lower() in self.rules.archived
        may_push = token not in self.rules.readers
        shape = repository_shapes.full_repository(
            name, number, call.base_url, may_push=may_push, is_archived=is_archived
        )
        return reads.cached(Answer(200, shape))

    def _read_only(self, token: str, repository: str) -> Answer | None:
        if repository.lower() in self.rules.archived:
            return refusals.archived(403)
        return refusals.forbidden(403) if token in self.rules.readers else None

    def _create(self, call: Call, repository: str, sha: str, store_in: timedelta | None) -> Answer:
        draft = refusals.understood(repository, sha, call.body)
        if isinstance(draft, Answer):
            return draft
        if self.rules.commits is not None and draft.sha not in self.rules.commits:
            return refusals.no_such_commit(sha)
        if self.store.count(draft) >= refusals.MAX_STATUSES:
            return refusals.too_many_statuses()
        status = self.store.drafted(draft, after=store_in or AT_ONCE)
        if store_in is not None:
            self.store.add(status)
        body = shapes.status(status, call.base_url)
        made = status.id if store_in is not None else None
        headers = {"location": str(body["url"]), "cache-control": "private, max-age=60, s-maxage=60"}
        return Answer(201, body, headers, made)
