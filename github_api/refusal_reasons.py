"""Maps GitHub's refusals to reasons: one for each cause that operators treat differently. Pure.

Statuses are from GitHub's documentation, texts from observation; docs/rejections.md has the remedy for each.
https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from collections.abc import Mapping
from http import HTTPStatus

from domain.delivery.outcome import Reason
from github_api.response_bodies import Refusal

NO_SUCH_COMMIT_TEXT = "no commit found for sha"
TOO_MANY_TEXT = "maximum number of statuses"
ARCHIVED_TEXT = "repository was archived"
BLOCKED_TEXT = "repository access blocked"
NO_PERMISSION_TEXT = "resource not accessible by"
SUSPENDED_TEXT = "installation has been suspended"
SSO_TEXT = "saml enforcement"
"""Texts of refusals that share their status with others."""

SSO_HEADER = "x-github-sso"

_MAY_WANT_SSO = (403, 404)

_OF_FIELD = {
    "target_url": Reason.BAD_URL,
    "details_url": Reason.BAD_URL,
    "description": Reason.BAD_DESCRIPTION,
    "context": Reason.BAD_CONTEXT,
    "state": Reason.BAD_STATE,
}
_OF_STATUS = {
    400: Reason.BAD_REQUEST,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    410: Reason.GONE,
    413: Reason.TOO_LARGE,
    415: Reason.BAD_REQUEST,
    451: Reason.BLOCKED,
}


def reason_of(status: int, headers: Mapping[str, str], said: Refusal) -> Reason:
    """The reason of a refusal that is not a limit. *headers* by their lower-case names."""
    words = said.words().lower()
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        return _of_422(words, said)
    if status in _MAY_WANT_SSO and (SSO_TEXT in words or headers.get(SSO_HEADER, "").startswith("required")):
        return Reason.SSO_REQUIRED
    if said.block or BLOCKED_TEXT in words:
        return Reason.BLOCKED
    if status == HTTPStatus.FORBIDDEN:
        return _of_403(words)
    return _OF_STATUS.get(status, Reason.REFUSED)


def _of_403(words: str) -> Reason:
    if ARCHIVED_TEXT in words:
        return Reason.ARCHIVED
    if SUSPENDED_TEXT in words:
        return Reason.SUSPENDED
    return Reason.NO_PERMISSION if NO_PERMISSION_TEXT in words else Reason.FORBIDDEN


def _of_422(words: str, said: Refusal) -> Reason:
    if NO_SUCH_COMMIT_TEXT in words:
        return Reason.NO_SUCH_COMMIT
    if TOO_MANY_TEXT in words:
        return Reason.TOO_MANY_STATUSES
    return next((_OF_FIELD[field] for field in said.fields() if field in _OF_FIELD), Reason.BAD_REQUEST)
