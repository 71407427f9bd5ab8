"""Outcomes of one request to GitHub.

    Delivered   GitHub has it, and said so
    Rejected    GitHub will not accept it
    Throttled   all senders with this credential have to wait
    NotSent     nothing can have left this machine
    NoToken     no request was tried: the credential has no secret here
    StaleToken  GitHub refused a short-lived token: it is tried again with another one, or in a moment
    Unknown     GitHub may have stored it, or may still do so

After an Unknown GitHub's list of statuses is read before anything is sent again: exactly-once rests on that.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias


class Reason(StrEnum):
    """Why a report is rejected or kept waiting, or a credential pauses. Remedies: docs/rejections.md."""

    # rejected: about what was sent
    BAD_REQUEST = "bad_request"  # 400, 415, and a 422 that names none of the fields below
    BAD_URL = "bad_url"  # 422: target_url
    BAD_DESCRIPTION = "bad_description"  # 422: description too long, or with a character of four bytes
    BAD_CONTEXT = "bad_context"  # 422: context too long
    BAD_STATE = "bad_state"  # 422: state
    TOO_LARGE = "too_large"  # 413
    # rejected: about the commit
    NO_SUCH_COMMIT = "no_such_commit"  # 422 "No commit found for SHA"; may heal, a push may still replicate
    NO_SUCH_RUN = "no_such_run"  # 404 for a check run of ours, which its commit does not list either; may heal
    TOO_MANY_STATUSES = "too_many_statuses"  # 422: 1000 statuses of this sha and context
    # rejected: about the repository and write access to it
    NOT_FOUND = "not_found"  # 404: missing, or hidden from this token; may heal, replicas lag
    NO_PERMISSION = "no_permission"  # 403 "Resource not accessible by …": the permission is missing
    SSO_REQUIRED = "sso_required"  # 403 or 404: the token is not authorized for the organization's single sign-on
    ARCHIVED = "archived"  # 403: the repository is read-only
    BLOCKED = "blocked"  # 403 or 451: GitHub disabled the repository
    FORBIDDEN = "forbidden"  # any other 403 that is not a limit
    # rejected: the rest
    GONE = "gone"  # 410: the API version is no longer supported
    REFUSED = "refused"  # any other 4xx
    UNVERIFIABLE = "unverifiable"  # five requests answered 2xx, none found by reading back
    EXPIRED = "expired"  # no request got through for a week
    # not GitHub's answer: the report stays due
    INTERMEDIARY = "intermediary"  # a proxy, a gateway or a log-in page answered in GitHub's place
    REDIRECTED = "redirected"  # a 3xx that leads nowhere or off the host
    # no token can be made for an App; the report stays due
    NOT_INSTALLED = "not_installed"  # the App is not installed on the repository
    SUSPENDED = "suspended"  # the App's installation is suspended
    NOT_GRANTED = "not_granted"  # the App lacks a permission, or its owner has not approved it yet
    CLOCK_SKEW = "clock_skew"  # GitHub refuses the times that the App's key signed
    # a pause of the credential; the report stays due
    RATE_LIMITED = "rate_limited"  # the hourly limit, or a 429
    SECONDARY_LIMIT = "secondary_limit"  # a limit that only headers or text reveal
    BAD_CREDENTIALS = "bad_credentials"  # 401


PAUSE_REASONS = (Reason.RATE_LIMITED, Reason.SECONDARY_LIMIT, Reason.BAD_CREDENTIALS)
REPORT_REASONS = tuple(reason for reason in Reason if reason not in PAUSE_REASONS)
NOT_FROM_GITHUB = (Reason.INTERMEDIARY, Reason.REDIRECTED)


@dataclass(frozen=True, slots=True)
class Delivered:
    """GitHub has it, under this id of a status or a check run, which does not fit 32 bits."""

    status_id: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """GitHub refused; `message` quotes it. `may_heal`: retried for an hour all the same."""

    reason: Reason
    message: str
    may_heal: bool = False


@dataclass(frozen=True, slots=True)
class Throttled:
    """The credential has to pause. `until`: the time GitHub named, by the caller's clock; None: it named none."""

    reason: Reason
    message: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing can have been sent, or nothing was read; `why`: what was seen. `reason`: where an operator may act."""

    why: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class NoToken:
    """No request was tried: there is no token; `why` says where the secret is missing, or what GitHub refused an App.

    `reason`: where GitHub has refused to make a token.
    """

    why: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class StaleToken:
    """GitHub refused (401) a token that was made for a short time: nothing is stored. `again_in`: when to try again."""

    why: str
    again_in: timedelta
    reason: None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have been applied; `why` says what was seen instead of an answer. `reason`: as in `NotSent`."""

    why: str
    reason: Reason | None = None


Outcome: TypeAlias = Delivered | Rejected | Throttled | NotSent | NoToken | StaleToken | Unknown
ReadFailure: TypeAlias = Throttled | NotSent
"""A read without a page. It says nothing about the report: it neither rejects it nor starts a doubt."""


def note_of(failure: NotSent | NoToken | StaleToken | Unknown | Rejected | Throttled) -> str:
    """The note of *failure*: its reason, if it has one, and what was seen or said."""
    words = failure.message if isinstance(failure, Rejected | Throttled) else failure.why
    return f"{failure.reason}: {words}" if failure.reason else words


def noted_reason(note: str | None) -> Reason | None:
    """The reason at the beginning of a `note_of`. None: there is none, or it is that of a pause."""
    return next((reason for reason in REPORT_REASONS if (note or "").startswith(f"{reason}: ")), None)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """GitHub's hourly rate limit of a credential, from the `x-ratelimit-*` headers."""

    limit: int
    remaining: int
    reset_at: datetime


@dataclass(frozen=True, slots=True)
class Exchange:
    """Facts of one request beside its outcome. None: there was no response, or it did not say."""

    http_status: int | None = None
    request_id: str | None = None
    rate_limit: RateLimit | None = None
    github_time: datetime | None = None
    """The `Date` of GitHub's own answer, in whole seconds."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What a commit shows, such as a status, as a read lists it. `target_url` may be missing; `creator` is a login."""

    id: int
    state: str
    context: str
    target_url: str | None
    created_at: datetime
    creator: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Part of what a commit shows, newest first. `next_url` is None on the last page."""

    posted: tuple[Posted, ...]
    next_url: str | None


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A check run, as GitHub lists it. `app` is the client id of the App that made it, if GitHub names it."""

    id: int
    name: str
    external_id: str
    annotations: int = 0
    app: str | None = None


@dataclass(frozen=True, slots=True)
class RunsPage:
    """Some of a commit's check runs of one name. `next_url` is None on the last page."""

    runs: tuple[ShownRun, ...]
    next_url: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt to create or change what shows a report."""

    outcome: Outcome
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Read:
    """An attempt to read a page of what a commit shows."""

    outcome: Page | ReadFailure
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class ReadRuns:
    """An attempt to read a page of check runs."""

    outcome: RunsPage | ReadFailure
    exchange: Exchange


def is_from_github(outcome: Outcome | Page | RunsPage | ReadFailure) -> bool:
    """Whether *outcome*, of a request that was answered, is GitHub's answer and not that of an intermediary."""
    return not isinstance(outcome, NotSent | Unknown) or outcome.reason not in NOT_FROM_GITHUB
