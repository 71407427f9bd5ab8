"""Answers read requests in GitHub's formats and pages."""

from collections.abc import Callable
from hashlib import sha256

from fake_github.answers import repository_shapes, shapes
from fake_github.answers.paging import Paging
from fake_github.exchange import Answer, Call, Endpoint
from fake_github.limits import Balance
from fake_github.store import Status, Store, latest

VERSIONS = ("2022-11-28", "2026-03-10")
"""https://docs.github.com/rest/about-the-rest-api/api-versions; the first is the default."""


def _list(store: Store, call: Call, repository: str, sha: str, statuses: list[Status]) -> Answer:
    paging = Paging.asked(call.query)
    body = [shapes.status(one, call.base_url) for one in statuses[paging.shown]]
    url = f"{call.base_url}/repositories/{store.repository_id(repository)}/commits/{sha}/statuses"
    return Answer(200, body, paging.link(url, len(statuses)))


def _combined(store: Store, call: Call, repository: str, sha: str, statuses: list[Status]) -> Answer:
    paging = Paging.asked(call.query)
    number = store.repository_id(repository)
    whose = repository_shapes.repository(repository, number, call.base_url)
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


def of_commit(
    store: Store, call: Call, endpoint: Endpoint, *, repository: str, sha: str, statuses: list[Status]
) -> Answer:
    """The answer to *call*, a read of the commit *sha* that has *statuses*, newest first."""
    return cached(_READS[endpoint](store, call, repository, sha, statuses))


def cached(answer: Answer) -> Answer:
    """*answer* as GitHub sends reads: a client that caches may show it again for a minute."""
    tag = sha256(answer.content()[0]).hexdigest()
    return answer.with_headers({"etag": f'W/"{tag}"', "cache-control": "private, max-age=60, s-maxage=60"})


def rate_limit(call: Call, balance: Balance) -> Answer:
    """The rate limit; without `rate` from version 2026-03-10 on."""
    core = balance.body
    body: dict[str, object] = {"resources": {"core": core, "search": {**core, "limit": 30, "remaining": 30, "used": 0}}}
    if call.headers.get("x-github-api-version", VERSIONS[0]) == VERSIONS[0]:
        body["rate"] = core
    return Answer(200, body)
