"""What GitHub answers when nothing goes wrong on the way: requests in, answers out, no sockets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from fake_github import refusals, shapes
from fake_github.exchange import Answer, Call, Endpoint, Route
from fake_github.limits import Balance, Limits
from fake_github.paging import Paging
from fake_github.store import Status, Store, latest

VERSIONS = ("2022-11-28", "2026-03-10")
"""https://docs.github.com/rest/about-the-rest-api/api-versions; the first is the default."""

AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Rules:
    """What this GitHub knows. `commits`: the only ones there are, in lower case; None: any sha is a commit."""

    bad_tokens: frozenset[str] = frozenset()
    commits: frozenset[str] | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Timing:
    """When a request takes effect. `store_in`: from now, None: never. `lag`: how old what is read is."""

    store_in: timedelta | None = AT_ONCE
    lag: timedelta = AT_ONCE


class GitHub:
    """GitHub's API for statuses over a `Store`."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self.store = store
        self.rules = rules

    def answer(self, call: Call, timing: Timing) -> Answer:
        """The answer to *call*, and its effect. With `store_in` None a status is answered for, yet not stored."""
        token = call.headers.get("authorization", "").partition(" ")[2].strip()
        cost = 0 if call.path == "/rate_limit" else 1
        balance = self.rules.limits.charge(token, cost, now=self.store.clock())
        refused = self._unwelcome(call, token) or self._limited(call, token, balance)
        answer = refused or self._answered(call, timing, balance)
        return answer.with_headers({**balance.headers, **answer.headers, "x-github-media-type": "github.v3"})

    def name_of(self, route: Route) -> str | None:
        """The repository that *route* names, by name or by number. None: there is no such number."""
        if route.repository_id is not None:
            return self.store.repository_named(route.repository_id)
        return route.repository

    def _unwelcome(self, call: Call, token: str) -> Answer | None:
        """What is said before anybody looks at what is asked."""
        if not call.headers.get("user-agent"):
            return Answer(403, refusals.NO_USER_AGENT)
        if not token:
            return refusals.refusal(401, "Requires authentication")
        if token in self.rules.bad_tokens:
            return refusals.bad_credentials()
        if call.headers.get("x-github-api-version", VERSIONS[0]) not in VERSIONS:
            return refusals.refusal(400, f"Unsupported API version. Supported: {', '.join(VERSIONS)}")
        return None

    def _limited(self, call: Call, token: str, balance: Balance) -> Answer | None:
        if balance.over:
            return refusals.primary_limit(403, limit=balance.limit, reset_at=balance.reset_at)
        if call.method == "POST" and not self.rules.limits.may_write(token, now=self.store.clock()):
            return refusals.secondary_limit(403, retry_after=60)
        return None

    def _answered(self, call: Call, timing: Timing, balance: Balance) -> Answer:
        route = call.route
        if route is None:
            return refusals.not_found()
        if route.endpoint is Endpoint.RATE_LIMIT:
            return _rate_limit(call, balance)
        repository = self.name_of(route)
        if repository is None:
            return refusals.not_found()
        if route.endpoint is Endpoint.CREATE_STATUS:
            return self._create(call, repository, route.ref, timing.store_in)
        sha = route.ref.lower()
        if self.rules.commits is not None and sha not in self.rules.commits:
            missing = route.endpoint is Endpoint.COMMIT
            return refusals.no_such_commit(route.ref) if missing else refusals.not_found()
        statuses = self.store.of_commit(repository, sha, lag=timing.lag)
        read = _READS[route.endpoint]
        return _cached(read(self.store, call, repository, sha, statuses))

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


def _list(store: Store, call: Call, repository: str, sha: str, statuses: list[Status]) -> Answer:
    paging = Paging.asked(call.query)
    body = [shapes.status(one, call.base_url) for one in statuses[paging.shown]]
    url = f"{call.base_url}/repositories/{store.repository_id(repository)}/commits/{sha}/statuses"
    return Answer(200, body, paging.link(url, len(statuses)))


def _combined(store: Store, call: Call, repository: str, sha: str, statuses: list[Status]) -> Answer:
    paging = Paging.asked(call.query)
    number = store.repository_id(repository)
    whose = shapes.repository(repository, number, call.base_url)
    body = shapes.combined(whose, sha, statuses, paging.shown, call.base_url)
    url = f"{call.base_url}/repositories/{number}/commits/{sha}/status"
    return Answer(200, body, paging.link(url, len(latest(statuses))))


def _commit(_store: Store, call: Call, repository: str, sha: str, _statuses: list[Status]) -> Answer:
    if "application/vnd.github.sha" in call.headers.get("accept", ""):
        return Answer(200, sha)
    return Answer(200, shapes.commit(repository, sha, call.base_url))


_READS: dict[Endpoint, Callable[[Store, Call, str, str, list[Status]], Answer]] = {
    Endpoint.LIST_STATUSES: _list,
    Endpoint.COMBINED_STATUS: _combined,
    Endpoint.COMMIT: _commit,
}


def _cached(answer: Answer) -> Answer:
    """*answer* as GitHub sends reads: a client that caches may show it again for a minute."""
    tag = sha256(answer.content()[0]).hexdigest()
    return answer.with_headers({"etag": f'W/"{tag}"', "cache-control": "private, max-age=60, s-maxage=60"})


def _rate_limit(call: Call, balance: Balance) -> Answer:
    """The account; `rate` is gone from version 2026-03-10 on."""
    core = balance.body
    body: dict[str, object] = {"resources": {"core": core, "search": {**core, "limit": 30, "remaining": 30, "used": 0}}}
    if call.headers.get("x-github-api-version", VERSIONS[0]) == VERSIONS[0]:
        body["rate"] = core
    return Answer(200, body)
