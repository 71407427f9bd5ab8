"""Commit statuses, as the stand-in creates and lists them: https://docs.github.com/rest/commits/statuses."""

import json
import re
from collections.abc import Callable

from fake_github.answers.examples import example, of_repository, time
from fake_github.answers.refusals import DOCS, no_such_commit, not_found, refusal
from fake_github.exchange import CACHED, Answer, Json, is_web_address
from fake_github.store import STATES, Draft, Store, Stored, combined_state, latest
from fake_github.surfaces.surface import AT_ONCE, REPOSITORY, Endpoint, Visit

MAX_DESCRIPTION = 140
MAX_CONTEXT = 255
MAX_STATUSES = 1000
"""The limit per sha and context in a repository: https://docs.github.com/rest/commits/statuses#create-a-commit-status"""

LAST_OF_3_BYTES = "\uffff"

CREATE_DOCS = f"{DOCS}/commits/statuses#create-a-commit-status"


class CommitStatuses:
    """The surface of commit statuses: each is created anew, and none is ever changed."""

    name = "statuses"
    permission = "statuses"
    for_apps = False

    def __init__(self, store: Store) -> None:
        self._store = store
        self.foreign: Json = {"context": "somebody/else"}
        one, listed = (re.compile(f"{REPOSITORY}/{path}") for path in (r"statuses/(?P<ref>[^/]+)", _of_ref("statuses")))
        self.endpoints = (
            Endpoint("POST", one, self._create, _named, name="statuses"),
            # the older route of the same list: a POST that a client turned into a GET ends here, with 200
            Endpoint("GET", one, self._list, name="statuses"),
            Endpoint("GET", listed, self._list, name="statuses"),
            Endpoint("GET", re.compile(f"{REPOSITORY}/{_of_ref('status')}"), self._combined, name="status"),
        )

    def held(self, base_url: str) -> list[Json]:
        """Every status."""
        held = self._store.held()
        return [{**self.body(one, base_url), "repository": one.repository, "sha": one.sha} for one in held]

    def body(self, stored: Stored, base_url: str) -> Json:
        """The schema `status`. Its `url` names the statuses of the commit: no single one can be read."""
        at = time(stored.created_at)
        return {
            **example("status", base_url, stored.repository, stored.sha),
            "id": stored.id,
            "state": stored.state,
            "description": stored.description,
            "target_url": stored.target_url,
            "context": stored.context,
            "created_at": at,
            "updated_at": at,
        }

    def too_many(self) -> Answer:
        """Names no field: https://github.com/openaddresses/machine/issues/443."""
        return _invalid(message="This SHA and context has reached the maximum number of statuses.")

    def _create(self, visit: Visit) -> Answer:
        draft = _understood(visit)
        if isinstance(draft, Answer):
            return draft
        if not visit.rules.has_commit(draft.sha):
            return no_such_commit(visit.ref)
        if visit.store.count(draft) >= MAX_STATUSES:
            return self.too_many()
        status = visit.store.drafted(draft, after=visit.timing.store_in or AT_ONCE)
        body = self.body(status, visit.call.base_url)
        return Answer(201, body, {"location": str(body["url"]), "cache-control": CACHED}, visit.keep(status))

    def _list(self, visit: Visit) -> Answer:
        if not visit.rules.has_commit(visit.ref):
            return not_found()
        shown, links = visit.page(visit.shown(), f"commits/{visit.ref.lower()}/statuses")
        return Answer(200, [self.body(one, visit.call.base_url) for one in shown], links)

    def _combined(self, visit: Visit) -> Answer:
        """The schema `combined-commit-status`, with a page of the latest statuses, which lack their creator."""
        if not visit.rules.has_commit(visit.ref):
            return not_found()
        statuses = latest(visit.shown())
        shown, links = visit.page(statuses, f"commits/{visit.ref.lower()}/status")
        bodies = [self.body(one, visit.call.base_url) for one in shown]
        body = {
            **example("combined-commit-status", visit.call.base_url, visit.repository, visit.ref.lower()),
            "state": combined_state(statuses),
            "statuses": [{name: body[name] for name in body if name != "creator"} for body in bodies],
            "total_count": len(statuses),
            "repository": of_repository(visit.repository, visit.number, visit.call.base_url),
        }
        return Answer(200, body, links)


def _of_ref(last: str) -> str:
    return rf"commits/(?P<ref>[^/]+)/{last}"


def _named(asked: Json, _ref: str) -> Json:
    return {"context": asked.get("context", "default"), "state": asked.get("state")}


def _invalid(**error: str) -> Answer:
    """422 with one entry in `errors`."""
    errors = [{"resource": "Status", "code": "custom", **error}]
    return refusal(422, "Validation Failed", docs=CREATE_DOCS, errors=errors)


def _understood(visit: Visit) -> Draft | Answer:
    """The status that a request asks for, or GitHub's refusal of it."""
    texts = _texts(visit.call.body)
    if isinstance(texts, Answer):
        return texts
    draft = Draft(
        repository=visit.repository,
        sha=visit.ref.lower(),
        context=texts.get("context", "default"),
        state=texts.get("state", ""),
        description=texts.get("description"),
        target_url=texts.get("target_url"),
    )
    minded = ((field, message) for field, message, minds in _OBJECTIONS if minds(draft))
    return next((_invalid(field=field, message=message) for field, message in minded), draft)


def _texts(body: bytes) -> dict[str, str] | Answer:
    """The fields of *body* by their names, without those that are null; or the refusal of one of another type."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return refusal(400, "Problems parsing JSON", docs=CREATE_DOCS)
    if not isinstance(asked, dict):
        return refusal(400, "Body should be a JSON object", docs=CREATE_DOCS)
    texts = {}
    for name, may_be_null in (("state", False), ("context", False), ("description", True), ("target_url", True)):
        value = asked.get(name)
        if isinstance(value, str):
            texts[name] = value
        elif name in asked and not (may_be_null and value is None):
            problem = f"For 'properties/{name}', {json.dumps(value)} is not a string."
            return refusal(422, f"Invalid request.\n\n{problem}", docs=CREATE_DOCS)
    return texts


# What GitHub minds in a status, in the order it is looked at: the field, the words, and whether it is so.
_OBJECTIONS: tuple[tuple[str, str, Callable[[Draft], bool]], ...] = (
    # https://github.com/renovatebot/renovate/issues/7180
    ("sha", "sha must be a 40 character SHA1", lambda draft: not re.fullmatch(r"[0-9a-f]{40}", draft.sha)),
    # https://github.com/travis-ci/travis-ci/issues/1283
    ("state", "state is not included in the list", lambda draft: draft.state not in STATES),
    # https://github.com/vince-riv/argo-diff/issues/49
    (
        "description",
        f"description is too long (maximum is {MAX_DESCRIPTION} characters)",
        lambda draft: len(draft.description or "") > MAX_DESCRIPTION,
    ),
    # https://github.com/ouzi-dev/commit-status-updater/issues/526
    (
        "description",
        "description doesn't accept 4-byte Unicode",
        lambda draft: any(character > LAST_OF_3_BYTES for character in draft.description or ""),
    ),
    # https://github.com/runatlantis/atlantis/issues/2506
    (
        "context",
        f"context is too long (maximum is {MAX_CONTEXT} characters)",
        lambda draft: len(draft.context) > MAX_CONTEXT,
    ),
    # https://github.com/jenkinsci/ghprb-plugin/issues/661
    ("target_url", "target_url must use http(s) scheme", lambda draft: not is_web_address(draft.target_url)),
)
