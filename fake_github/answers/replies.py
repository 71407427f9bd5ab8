"""Alters answers as faults require, as pure functions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from fake_github.answers import refusals
from fake_github.exchange import Answer, Call
from fake_github.faults import Fault, Kind
from fake_github.surfaces.surface import Asked

UNICORN = """<!DOCTYPE html>
<html><head><title>Unicorn! &middot; GitHub</title></head>
<body><p><strong>We had issues producing the response to your request.</strong></p></body></html>
"""

BLOCKED_PAGE = "<html><head><title>Access denied</title></head><body>Your company's proxy says no.</body></html>"

NO_SERVER = (
    "No server is currently available to service your request. Sorry about that. "
    "Please try resubmitting your request and contact us if the problem persists."
)
LOGIN_ATTEMPTS = "Maximum number of login attempts exceeded. Please try again later."
ABUSE = "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again."
PRIMARY_LIMIT = 5000
PRIMARY_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Case:
    """A fault of a request whose real answer would be `answer`."""

    fault: Fault
    call: Call
    asked: Asked
    answer: Answer
    repository_id: int
    now: datetime

    def status(self, default: int) -> int:
        """The status of the reply: the one that the fault gives, else *default*."""
        return self.fault.status or default


def altered(case: Case) -> Answer:
    """The answer altered by the fault; keeps the id of what was created. Unchanged if only the connection is faulty."""
    answer, reply = case.answer, _REPLIES.get(case.fault.kind)
    if reply is None:
        return answer
    made = reply(case)
    kept = {name: value for name, value in answer.headers.items() if name.startswith("x-") and made.is_githubs}
    headers = {**kept, **made.headers, **case.fault.headers}
    return replace(made, stored_id=answer.stored_id, headers=headers)


def _server_error(case: Case) -> Answer:
    status = case.status(502)
    return refusals.refusal(status, NO_SERVER if status == HTTPStatus.SERVICE_UNAVAILABLE else "Server Error")


def _intermediary(case: Case) -> Answer:
    body = BLOCKED_PAGE if case.fault.body is None else case.fault.body
    headers = {"location": case.fault.location} if case.fault.location else {}
    return Answer(case.status(403), body, headers, is_githubs=False)


def _inner_links(case: Case) -> Answer:
    links = case.answer.headers.get("link", "")
    inner = links.replace(case.call.base_url, case.fault.location or "http://github.internal")
    return case.answer.with_headers({"link": inner}) if links else case.answer


def _foreign(case: Case) -> Answer:
    body = case.answer.body
    return replace(case.answer, body={**body, **case.asked.surface.foreign} if isinstance(body, dict) else body)


def _primary_limit(case: Case) -> Answer:
    seconds = PRIMARY_SECONDS if case.fault.seconds is None else case.fault.seconds
    reset_at = int((case.now + timedelta(seconds=seconds)).timestamp())
    return refusals.primary_limit(case.status(403), limit=PRIMARY_LIMIT, reset_at=reset_at)


def _secondary_limit(case: Case) -> Answer:
    seconds = case.fault.seconds
    return refusals.secondary_limit(case.status(403), retry_after=None if seconds is None else round(seconds))


def _abuse_limit(case: Case) -> Answer:
    body = refusals.refusal(case.status(403), ABUSE, docs=f"{refusals.DOCS}/#abuse-rate-limits").body
    return replace(_secondary_limit(case), body=body)


def _sso(case: Case) -> Answer:
    message = (
        "Resource protected by organization SAML enforcement. "
        "You must grant your Personal Access token access to this organization."
    )
    url = "https://github.com/orgs/acme/sso?authorization_request=AAAA"
    return refusals.refusal(case.status(403), message, headers={"x-github-sso": f"required; url={url}"})


def _blocked(case: Case) -> Answer:
    status = case.status(451)
    reason = "dmca" if status == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS else "tos"
    block = {"reason": reason, "created_at": "2026-01-01T00:00:00Z", "html_url": f"https://github.com/{reason}"}
    return refusals.refusal(status, "Repository access blocked", block=block)


def _redirect(case: Case) -> Answer:
    """A redirect; its text is "Moved Permanently" also with 307, as on GitHub."""
    path = "/".join(case.call.path.split("/")[4:])
    location = case.fault.location or f"{case.call.base_url}/repositories/{case.repository_id}/{path}"
    return refusals.moved(case.status(301 if case.call.method == "GET" else 307), location)


_REPLIES: dict[Kind, Callable[[Case], Answer]] = {
    Kind.SERVER_ERROR: _server_error,
    Kind.HTML: lambda case: Answer(case.status(502), UNICORN),
    Kind.ODD_SUCCESS: lambda case: replace(case.answer, status=case.status(202)),
    Kind.FOREIGN: _foreign,
    Kind.INTERMEDIARY: _intermediary,
    Kind.INNER_LINKS: _inner_links,
    Kind.PRIMARY_LIMIT: _primary_limit,
    Kind.SECONDARY_LIMIT: _secondary_limit,
    Kind.ABUSE_LIMIT: _abuse_limit,
    Kind.LOGIN_ATTEMPTS: lambda case: refusals.refusal(case.status(403), LOGIN_ATTEMPTS),
    Kind.BAD_CREDENTIALS: lambda _: refusals.bad_credentials(),
    Kind.FORBIDDEN: lambda case: refusals.forbidden(case.status(403), case.asked.surface.permission),
    Kind.ARCHIVED: lambda case: refusals.archived(case.status(403)),
    Kind.SSO: _sso,
    Kind.BLOCKED: _blocked,
    Kind.NOT_FOUND: lambda _: refusals.not_found(),
    Kind.GONE: lambda case: refusals.refusal(case.status(410), "This version of the API is no longer supported."),
    Kind.NO_SUCH_COMMIT: lambda case: refusals.no_such_commit(case.asked.sha),
    Kind.TOO_MANY: lambda case: case.asked.surface.too_many(),
    Kind.REDIRECT: _redirect,
    Kind.ANSWER: lambda case: Answer(case.status(200), case.fault.body),
}
