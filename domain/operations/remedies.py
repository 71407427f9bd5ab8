"""Remedies: what operators can do about each reason. docs/rejections.md shows the same texts."""

from domain.delivery.outcome import Reason

_BUG = (
    "Descriptions and states are made to fit before they are stored: GitHub's rule has changed. Report it as a bug, "
    "with GitHub's message."
)
_PROXY = f"Behind a proxy, check how it changes requests. {_BUG}"

REMEDIES: dict[Reason, str] = {
    Reason.NOT_FOUND: (
        "It is tried for an hour, as GitHub's replicas lag. GitHub does not say whether it is missing or hidden. Check "
        "the repository's name, and that its credential may read it: a private repository looks like a missing one."
    ),
    Reason.NO_PERMISSION: (
        "Give the token or App *Commit statuses: write* (a classic token: `repo:status`). An App's new permission "
        "waits for the owner's approval."
    ),
    Reason.SSO_REQUIRED: "Authorize the token for the organization: GitHub, Settings, Tokens, *Configure SSO*.",
    Reason.ARCHIVED: "Unarchive the repository, or stop running jobs for it.",
    Reason.BLOCKED: "GitHub disabled the repository (`tos`, `dmca`). Its owner has to settle that with GitHub.",
    Reason.FORBIDDEN: "Read GitHub's message: for example, an organization's list of allowed IP addresses.",
    Reason.NO_SUCH_COMMIT: (
        "It is tried for an hour, as a push may be under way. Push the commit to this repository; after a force-push "
        "there is nothing to report on."
    ),
    Reason.TOO_MANY_STATUSES: (
        "GitHub holds 1000 statuses of this commit and context, and deletes none. Give the job another context, or "
        "push a new commit."
    ),
    Reason.BAD_URL: "Correct the target's `url` in the request and start the job again.",
    Reason.BAD_DESCRIPTION: _BUG,
    Reason.BAD_CONTEXT: "Shorten the context in the request or in `jobs.toml`, and start the job again.",
    Reason.BAD_STATE: _BUG,
    Reason.BAD_REQUEST: _PROXY,
    Reason.TOO_LARGE: _PROXY,
    Reason.GONE: "This GitHub no longer supports the API version that Reportback speaks: upgrade Reportback.",
    Reason.REFUSED: "Read GitHub's message.",
    Reason.UNVERIFIABLE: (
        "Something between here and GitHub rewrites the link that carries the marker, or the answers: check "
        "`REPORTBACK_GITHUB_API_URL` and proxies."
    ),
    Reason.EXPIRED: (
        "No request got through. The rejection quotes the last error; once GitHub can be reached, have all of this "
        "reason tried again."
    ),
    Reason.INTERMEDIARY: (
        "A proxy, a gateway or a log-in page answers before GitHub does, so the report stays due. Check the proxy's "
        "rules and credentials, and `REPORTBACK_GITHUB_API_URL`."
    ),
    Reason.REDIRECTED: "Check `REPORTBACK_GITHUB_API_URL`, and proxies between here and GitHub.",
    Reason.RATE_LIMITED: ("Nothing: it goes on when GitHub says. If it comes back, look for what else uses the token."),
    Reason.SECONDARY_LIMIT: (
        "Nothing: it goes on when GitHub says. If it comes back, lower `REPORTBACK_WRITE_BUDGET`."
    ),
    Reason.BAD_CREDENTIALS: (
        "Renew the token where its name says it is read. Nothing else is needed: the next try takes it."
    ),
}
"""Markdown of one line for each reason."""


def remedy(reason: str) -> str:
    """What to do about *reason*; for a reason that this version does not know, where to find it."""
    try:
        return REMEDIES[Reason(reason)]
    except ValueError:
        return "Another version of Reportback gave this reason: see its docs/rejections.md."
