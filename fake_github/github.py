"""Answers requests as GitHub does without faults: no sockets."""

import re
from collections.abc import Sequence
from http import HTTPStatus

from fake_github.answers import refusals
from fake_github.answers.examples import example, of_repository
from fake_github.app_endpoints import AppEndpoints
from fake_github.apps import READ, WRITE, Apps
from fake_github.exchange import Answer, Call
from fake_github.limits import MINUTE, Balance
from fake_github.store import Store
from fake_github.surfaces.surface import REPOSITORY, Asked, Endpoint, Rules, Surface, Timing, Visit

VERSIONS = ("2022-11-28", "2026-03-10")
"""https://docs.github.com/rest/about-the-rest-api/api-versions; the first is the default."""

_RATE_LIMIT = "/rate_limit"


class GitHub:
    """GitHub's API for its surfaces, over a `Store`."""

    def __init__(self, store: Store, rules: Rules, surfaces: Sequence[Surface], apps: Apps) -> None:
        self.store = store
        self.rules = rules
        self.apps = apps
        self.of_apps = AppEndpoints(apps)
        others = (
            *self.of_apps.endpoints,
            # a branch may have slashes
            Endpoint("GET", re.compile(REPOSITORY + r"/commits/(?P<ref>.*[^/])"), _commit, needs="contents"),
            Endpoint(
                "GET", re.compile(REPOSITORY + r"/pulls/[0-9]+"), lambda _: refusals.not_found(), needs="pull_requests"
            ),  # it has none
            Endpoint("GET", re.compile(REPOSITORY), _repository, needs="metadata"),
            Endpoint("GET", re.compile(_RATE_LIMIT), lambda _: refusals.not_found()),  # answered before
        )
        of_surfaces = [(endpoint, one) for one in surfaces for endpoint in one.endpoints]
        self._endpoints = (*of_surfaces, *((endpoint, surfaces[0]) for endpoint in others))

    def asked(self, call: Call) -> Asked | None:
        """What *call* asks for. None: GitHub has nothing there, for instance with a trailing slash."""
        for endpoint, surface in self._endpoints:
            if call.method == endpoint.method and (found := endpoint.path.fullmatch(call.path)):
                parts = found.groupdict()
                number, ref = parts.get("id"), parts.get("ref", "")
                name = self.store.repository_named(int(number)) if number else parts.get("repository")
                named = endpoint.names(call.asked() or {}, ref)
                return Asked(endpoint, surface, name, number is not None, ref, named)
        return None

    def answer(self, call: Call, asked: Asked | None, timing: Timing) -> Answer:
        """The answer to *call*, and its effect. With `store_in` None what it creates is answered, yet not stored."""
        cost = 0 if call.path == _RATE_LIMIT else 1
        balance = self.rules.limits.charge(self.apps.payer(call.token), cost, now=self.store.clock())
        refused = self._unwelcome(call, asked) or self._limited(call, balance)
        answer = refused or self._answered(call, asked, timing, balance)
        return answer.with_headers({**balance.headers, **answer.headers, "x-github-media-type": "github.v3"})

    def _unwelcome(self, call: Call, asked: Asked | None) -> Answer | None:
        """The refusal for reasons other than the request itself; None: it is admitted."""
        if not call.headers.get("user-agent"):
            return Answer(403, refusals.NO_USER_AGENT)
        is_open = call.path == _RATE_LIMIT or (asked is not None and asked.endpoint.name == "conversion")
        if not call.token and not is_open:
            return refusals.refusal(401, "Requires authentication")
        if call.token in self.rules.bad_tokens:
            return refusals.bad_credentials()
        if refused := self.apps.unwelcome(call.token, self.store.clock()):
            return refused
        if call.headers.get("x-github-api-version", VERSIONS[0]) not in VERSIONS:
            return refusals.refusal(400, f"Unsupported API version. Supported: {', '.join(VERSIONS)}")
        return None

    def _limited(self, call: Call, balance: Balance) -> Answer | None:
        if balance.over:
            return refusals.primary_limit(403, limit=balance.limit, reset_at=balance.reset_at)
        if not call.writes:
            return None
        match self.rules.limits.too_many_within(self.apps.payer(call.token), now=self.store.clock()):
            case None:
                return None
            case span if span == MINUTE:
                return refusals.secondary_limit(403, retry_after=60)
            case _:
                return refusals.blocked_from_creating()

    def _answered(self, call: Call, asked: Asked | None, timing: Timing, balance: Balance) -> Answer:
        if asked and call.path == _RATE_LIMIT:
            return _rate_limit(call, balance)
        if asked and asked.endpoint.of_apps and not self._moved(call, asked):
            named = asked.repository or ""
            return asked.endpoint.answer(Visit(call, named, asked.ref, timing, self.store, self.rules))
        if asked is None or asked.repository is None or not self._has(asked.repository):
            return refusals.not_found()
        if moved := self._moved(call, asked):
            return moved
        refused = self._beyond(call, asked) or (self._read_only(call, asked) if call.writes else None)
        app = self.apps.app_with(call.token)
        visit = Visit(call, asked.repository, asked.ref, timing, self.store, self.rules, app)
        answer = refused or asked.endpoint.answer(visit)
        return answer.cacheable() if answer.status == HTTPStatus.OK else answer

    def _moved(self, call: Call, asked: Asked) -> Answer | None:
        """The redirect of a repository that was renamed; its text is "Moved Permanently" also with 307."""
        name = self.rules.renamed.get((asked.repository or "").lower())
        if name is None or asked.is_numbered:
            return None
        rest = "/".join(call.path.split("/")[4:])
        url = f"{call.base_url}/repositories/{self.store.repository_id(name)}/{rest}".removesuffix("/")
        return refusals.moved(307 if call.writes else 301, url)

    def _beyond(self, call: Call, asked: Asked) -> Answer | None:
        """The refusal of what an installation token may not do. None: it may, or it is another token."""
        token, repository = self.apps.token_of(call.token), asked.repository or ""
        if token is None and self.apps.apps and call.token.startswith("eyJ"):
            return refusals.bad_credentials()
        if token is None:
            return refusals.not_an_app() if asked.surface.for_apps and call.writes else None
        needed, access = asked.endpoint.needs or asked.surface.permission, WRITE if call.writes else READ
        if not token.reaches(repository):
            return refusals.not_found()
        return None if token.allows(needed, access) else refusals.forbidden(403, f"{needed}={access}")

    def _has(self, repository: str) -> bool:
        return self.rules.repositories is None or repository.lower() in self.rules.repositories

    def _read_only(self, call: Call, asked: Asked) -> Answer | None:
        if (asked.repository or "").lower() in self.rules.archived:
            return refusals.archived(403)
        return refusals.forbidden(403, asked.surface.permission) if call.token in self.rules.readers else None


def _rate_limit(call: Call, balance: Balance) -> Answer:
    """The rate limit; without `rate` from version 2026-03-10 on."""
    core = balance.body
    body: dict[str, object] = {"resources": {"core": core, "search": {**core, "limit": 30, "remaining": 30, "used": 0}}}
    if call.headers.get("x-github-api-version", VERSIONS[0]) == VERSIONS[0]:
        body["rate"] = core
    return Answer(200, body)


def _repository(visit: Visit) -> Answer:
    """A repository, with what its caller may do there."""
    may_push = visit.call.token not in visit.rules.readers
    body = of_repository(visit.repository, visit.number, visit.call.base_url)
    body["archived"] = visit.repository.lower() in visit.rules.archived
    body["permissions"] = {"admin": False, "push": may_push, "pull": True}
    return Answer(200, body)


def _commit(visit: Visit) -> Answer:
    sha = visit.rules.commit_named(visit.ref)
    if sha is None:
        return refusals.no_such_commit(visit.ref)
    if "application/vnd.github.sha" in visit.call.headers.get("accept", ""):
        return Answer(200, sha)
    return Answer(200, example("commit", visit.call.base_url, visit.repository, sha))
