"""Builds GitHub's refusals with its texts. A text that its documentation lacks is cited from an issue."""

import json
import re
from collections.abc import Callable, Mapping

from fake_github.exchange import Answer, Json
from fake_github.store import Draft

DOCS = "https://docs.github.com/rest"
STATUS_DOCS = f"{DOCS}/commits/statuses#create-a-commit-status"
LIMIT_DOCS = f"{DOCS}/using-the-rest-api/rate-limits-for-the-rest-api"

MAX_DESCRIPTION = 140
MAX_CONTEXT = 255
MAX_STATUSES = 1000
"""The limit per sha and context in a repository: https://docs.github.com/rest/commits/statuses#create-a-commit-status"""

LAST_OF_3_BYTES = "\uffff"

STATES = ("error", "failure", "pending", "success")

NO_USER_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required). "
    "Check https://developer.github.com for other possible causes.\n"
)


def refusal(
    status: int, message: str, *, docs: str = DOCS, headers: Mapping[str, str] | None = None, **more: object
) -> Answer:
    """An error body as GitHub documents it; its `status` is a string."""
    body: Json = {"message": message, **more, "documentation_url": docs, "status": str(status)}
    return Answer(status, body, headers or {})


def invalid(code: str = "custom", **error: str) -> Answer:
    """422 with one entry in `errors`."""
    errors = [{"resource": "Status", "code": code, **error}]
    return refusal(422, "Validation Failed", docs=STATUS_DOCS, errors=errors)


def not_found() -> Answer:
    """GitHub does not say whether it is missing or not visible to the token."""
    return refusal(404, "Not Found", docs=STATUS_DOCS)


def bad_credentials() -> Answer:
    """GitHub does not know the token."""
    return refusal(401, "Bad credentials")


def forbidden(status: int) -> Answer:
    """The token, or its owner, may not write statuses."""
    headers = {"x-accepted-github-permissions": "statuses=write"}
    return refusal(status, "Resource not accessible by integration", docs=STATUS_DOCS, headers=headers)


def archived(status: int) -> Answer:
    """The repository is archived."""
    return refusal(status, "Repository was archived so is read-only.")


def no_such_commit(sha: str) -> Answer:
    """Has no `errors`: https://github.com/kubernetes/test-infra/issues/21987."""
    return refusal(422, f"No commit found for SHA: {sha}", docs=STATUS_DOCS)


def too_many_statuses() -> Answer:
    """Names no field: https://github.com/openaddresses/machine/issues/443."""
    return invalid(message="This SHA and context has reached the maximum number of statuses.")


def primary_limit(status: int, *, limit: int, reset_at: int) -> Answer:
    """The hourly limit is used up until *reset_at*, in epoch seconds."""
    headers = {"x-ratelimit-limit": str(limit), "x-ratelimit-remaining": "0", "x-ratelimit-used": str(limit)}
    return refusal(
        status,
        "API rate limit exceeded for installation ID 5199831.",
        docs=f"{LIMIT_DOCS}#about-primary-rate-limits",
        headers={**headers, "x-ratelimit-reset": str(reset_at)},
    )


def secondary_limit(status: int, *, retry_after: int | None) -> Answer:
    """Often without `retry-after`, so that only the text identifies it: https://github.com/hub4j/github-api/issues/2009."""
    return refusal(
        status,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        docs=f"{LIMIT_DOCS}#about-secondary-rate-limits",
        headers={} if retry_after is None else {"retry-after": str(retry_after)},
    )


def blocked_from_creating() -> Answer:
    """Too much was created; only the text says so. https://github.com/runatlantis/atlantis/issues/4932."""
    return refusal(
        403,
        "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. "
        "Please retry your request again later.",
        docs=f"{LIMIT_DOCS}#about-secondary-rate-limits",
    )


def understood(repository: str, sha: str, body: bytes) -> Draft | Answer:
    """The status that a request asks for, or GitHub's refusal of it."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return refusal(400, "Problems parsing JSON", docs=STATUS_DOCS)
    if not isinstance(asked, dict):
        return refusal(400, "Body should be a JSON object", docs=STATUS_DOCS)
    texts = {}
    for name, may_be_null in (("state", False), ("context", False), ("description", True), ("target_url", True)):
        value = asked.get(name)
        if isinstance(value, str):
            texts[name] = value
        elif name in asked and not (may_be_null and value is None):
            problem = f"For 'properties/{name}', {json.dumps(value)} is not a string."
            return refusal(422, f"Invalid request.\n\n{problem}", docs=STATUS_DOCS)
    draft = Draft(
        repository=repository,
        sha=sha.lower(),
        context=texts.get("context", "default"),
        state=texts.get("state", ""),
        description=texts.get("description"),
        target_url=texts.get("target_url"),
    )
    return _objection(draft) or draft


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


def is_web_address(url: str | None) -> bool:
    """Whether GitHub takes *url* as the link of a status; none at all is as good."""
    return not url or re.match(r"https?://", url, re.IGNORECASE) is not None


def _objection(draft: Draft) -> Answer | None:
    """GitHub's first objection to the values of *draft*."""
    minded = ((field, message) for field, message, minds in _OBJECTIONS if minds(draft))
    return next((invalid(field=field, message=message) for field, message in minded), None)
