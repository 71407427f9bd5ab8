"""Builds GitHub's refusals with its texts. A text that its documentation lacks is cited from an issue."""

from collections.abc import Mapping

from fake_github.exchange import Answer, Json

DOCS = "https://docs.github.com/rest"
LIMIT_DOCS = f"{DOCS}/using-the-rest-api/rate-limits-for-the-rest-api"

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


def not_found() -> Answer:
    """GitHub does not say whether it is missing or not visible to the token."""
    return refusal(404, "Not Found")


def bad_credentials() -> Answer:
    """GitHub does not know the token."""
    return refusal(401, "Bad credentials")


def suspended() -> Answer:
    """The owner of an account has suspended an App's installation there."""
    return refusal(403, "This installation has been suspended")


def forbidden(status: int, permission: str) -> Answer:
    """The token, or its owner, lacks *permission*: to write, unless it says otherwise."""
    needed = permission if "=" in permission else f"{permission}=write"
    headers = {"x-accepted-github-permissions": needed}
    return refusal(status, "Resource not accessible by integration", headers=headers)


def not_an_app() -> Answer:
    """Only Apps write it: https://github.com/EnricoMi/publish-unit-test-result-action/issues/53."""
    return refusal(403, "You must authenticate via a GitHub App.")


def archived(status: int) -> Answer:
    """The repository is archived."""
    return refusal(status, "Repository was archived so is read-only.")


def moved(status: int, url: str) -> Answer:
    """A redirect of a renamed repository."""
    body = {"message": "Moved Permanently", "url": url, "documentation_url": DOCS}
    return Answer(status, body, {"location": url})


def no_such_commit(sha: str) -> Answer:
    """Has no `errors`: https://github.com/kubernetes/test-infra/issues/21987."""
    return refusal(422, f"No commit found for SHA: {sha}")


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
