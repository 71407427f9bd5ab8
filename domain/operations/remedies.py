"""Remedies: what operators can do about each reason. docs/rejections.md shows the same texts."""

from domain.delivery.outcome import Reason

_BUG = (
    "Descriptions and states are made to fit before they are stored: GitHub's rule has changed. Report it as a bug, "
    "with GitHub's message."
)
_RENEW = "Renew the token on GitHub: it has expired or was revoked."
_PROXY = f"Behind a proxy, check how it changes requests. {_BUG}"

REMEDIES: dict[Reason, str] = {
    Reason.NOT_FOUND: (
        "It is tried for an hour, as GitHub's replicas lag. GitHub does not say whether it is missing or hidden. Check "
        "the repository's name, and that its credential may read it: a private repository looks like a missing one."
    ),
    Reason.NO_PERMISSION: (
        "Give the token *Commit statuses: write* (a classic token: `repo:status`); an App that too, or *Checks: write* "
        "for check runs. An App's new permission waits for the owner's approval."
    ),
    Reason.SSO_REQUIRED: "Authorize the token for the organization: GitHub, Settings, Tokens, *Configure SSO*.",
    Reason.ARCHIVED: "Unarchive the repository, or stop running jobs for it.",
    Reason.BLOCKED: "GitHub disabled the repository (`tos`, `dmca`). Its owner has to settle that with GitHub.",
    Reason.FORBIDDEN: "Read GitHub's message: for example, an organization's list of allowed IP addresses.",
    Reason.NO_SUCH_COMMIT: (
        "It is tried for an hour, as a push may be under way. Push the commit to this repository; after a force-push "
        "there is nothing to report on."
    ),
    Reason.NO_SUCH_RUN: (
        "It was made again several times, and deleted each time. Find out on GitHub who deletes the App's check runs, "
        "and have the report tried again."
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
    Reason.NOT_INSTALLED: (
        "Install the App on the repository: its page on GitHub, *Install App*; of selected repositories, add this one. "
        "After a transfer, install it on the new owner's account."
    ),
    Reason.SUSPENDED: "Have the account's owner lift the suspension: GitHub, Settings, Applications, *Unsuspend*.",
    Reason.NOT_GRANTED: (
        "Give the App the permission (docs/github-app.md has a table), and have the account's owner approve it: GitHub "
        "sends a mail, and asks in Settings, Applications."
    ),
    Reason.CLOCK_SKEW: "Set this machine's clock (NTP): GitHub takes what an App signs for ten minutes only.",
    Reason.RATE_LIMITED: ("Nothing: it goes on when GitHub says. If it comes back, look for what else uses the token."),
    Reason.SECONDARY_LIMIT: (
        "Nothing: it goes on when GitHub says. If it comes back, lower `REPORTBACK_WRITE_BUDGET`."
    ),
    Reason.BAD_CREDENTIALS: (
        f"{_RENEW} [Put the new one where workers find it](operate.md#a-new-token): an `env:` token needs the workers "
        "started anew, a `secret:` none. Of an App it is the private key: "
        "[put a new one there](github-app.md#a-new-key)."
    ),
}
"""Markdown of one line for each reason."""

ANEW = "sudo systemctl restart reportback-worker-jobs reportback-worker-reconcile"
"""Starts the workers of the units in ops/systemd anew, after their jobs have ended."""

FILL = (
    '.venv/bin/python -c "from getpass import getpass; from prefect.blocks.system import Secret; '
    "Secret(value=getpass('token: ')).save('{block}', overwrite=True)\""
)
"""Asks for a token, and puts it into a Secret block of Prefect."""


def remedy(reason: str, credential: str | None = None) -> str:
    """What to do about *reason*; for a reason that this version does not know, where to find it.

    *credential* is the name of the credential that it is about.
    """
    if reason == Reason.BAD_CREDENTIALS and credential is not None:
        return supply(credential) if credential.startswith("app:") else f"{_RENEW} {supply(credential)}"
    try:
        return REMEDIES[Reason(reason)]
    except ValueError:
        return "Another version of Reportback gave this reason: see its docs/rejections.md."


def supply(credential: str) -> str:
    """How workers get a token for *credential*: by the kind of its name."""
    kind, _, place = credential.partition(":")
    match kind:
        case "env":
            return (
                f"Set `{place}` to a valid token where the workers get their environment (`/etc/reportback.env`), and "
                f"start them anew, on every machine: `{ANEW}`. A worker that runs keeps the token it was started with."
            )
        case "secret":
            return (
                f"Put a valid token into Prefect's Secret block `{place}`, in the UI (Blocks) or with "
                f"`{FILL.format(block=place)}`. No worker has to be started anew: the next try takes it."
            )
        case "app":
            client_id, _, block = place.partition("@")
            where = f"Prefect's Secret block `{block}`" if block else f"`{client_id}.pem` in `REPORTBACK_APP_KEYS`"
            return (
                f"Make a new private key for the App `{client_id}` on GitHub (its settings, *Generate a private key*), "
                f"and put it into {where}, on every machine. No worker has to be started anew: the next try takes it."
            )
        case _:
            return "Put a valid token where the credential's name says that it is read."
