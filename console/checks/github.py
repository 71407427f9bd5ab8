"""Checks GitHub: that it answers, its clock agrees, and it accepts each credential's token."""

from collections.abc import AsyncIterator, Collection, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import httpx

from console.checks.finding import Finding, bad, good
from domain.delivery.credential_name import client_id_of
from domain.delivery.repository_patterns import OPEN, is_open
from domain.operations.remedies import supply
from domain.units import span
from github_api.certificates import BadCertificates
from github_api.credentials import NoCredential, configured, credential_name
from github_api.setup_check import Answer, Diagnostics, NoResponse
from settings import Settings

CREDENTIAL = "credential "
MOST_SKEW = timedelta(seconds=30)
MAY_WRITE = frozenset({"repo", "repo:status"})
"""Scopes of a classic token that let it write statuses.
https://docs.github.com/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps"""

NO_LIMITS = HTTPStatus.NOT_FOUND
"""The answer of an Enterprise Server without rate limits to a request for them."""


async def check(settings: Settings, repository: str | None) -> AsyncIterator[Finding]:
    """Check GitHub without a token, then with each credential that is one; *repository* only with its own.

    Apps are checked by console/checks/apps.py.
    """
    url = str(settings.github_api_url)
    try:
        checkup = Diagnostics(url, settings.timeout, _now, ca_file=settings.ca_file)
    except BadCertificates as error:
        yield bad("GitHub", str(error))
        return
    async with checkup as github:
        for finding in answer_finding(url, await github.limits(None), _now()):
            yield finding
        yield repositories_finding(settings.allowed_repositories, settings.credentials)
        for name in configured(settings.credentials):
            if client_id_of(name) is None:
                yield await _token(github, name, settings)
        own = credential_name(repository, settings.credentials) if repository is not None else None
        if repository is not None and client_id_of(own or "") is None:
            yield await _repository(github, repository, own, settings)


def _now() -> datetime:
    return datetime.now(UTC)


def answer_finding(url: str, answer: Answer | NoResponse, now: datetime) -> Iterator[Finding]:
    """Whether GitHub itself answered, and how far its clock is from *now*."""
    if isinstance(answer, NoResponse):
        yield bad("GitHub", f"{url} does not answer: {answer.why}; check REPORTBACK_GITHUB_API_URL, network and proxy")
        return
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or httpx.codes.is_redirect(answer.status):
        yield bad("GitHub", f"{url} answers {answer.status}: {answer.words}")
    elif not answer.is_github:
        yield bad("GitHub", f"what answers at {url} is not GitHub; check REPORTBACK_GITHUB_API_URL, network and proxy")
    else:
        yield good("GitHub", f"{url} answers")
    if answer.date is not None:
        yield clock(answer.date - now)


def clock(skew: timedelta) -> Finding:
    """Whether both clocks agree; *skew* is how far GitHub's is ahead."""
    if abs(skew) <= MOST_SKEW:
        return good("clock", f"within {span(MOST_SKEW)} of GitHub's")
    side = "behind" if skew > timedelta(0) else "ahead of"
    return bad(
        "clock",
        f"{span(abs(skew))} {side} GitHub's: times in histories are misleading; set this machine's clock (NTP)",
    )


def repositories_finding(allowed: Collection[str], credentials: Collection[str]) -> Finding:
    """The repositories for which jobs are accepted."""
    if is_open(allowed, credentials):
        return good("repositories", OPEN)
    return good("repositories", f"jobs are accepted for {', '.join(allowed or credentials)}")


async def _token(github: Diagnostics, name: str, settings: Settings) -> Finding:
    what = f"{CREDENTIAL}{name}"
    try:
        return token_finding(what, await github.limits(await _token_of(name, settings)))
    except NoCredential as error:
        return bad(what, str(error))


def token_finding(what: str, answer: Answer | NoResponse) -> Finding:
    """Whether GitHub accepts the token."""
    match answer:
        case NoResponse(why):
            return bad(what, f"not asked: {why}")
        case Answer(status=HTTPStatus.UNAUTHORIZED, words=words):
            cure = supply(what.removeprefix(CREDENTIAL))
            return bad(what, f"GitHub does not accept its token ({words}): renew it on GitHub. {cure}")
        case Answer(status=HTTPStatus.OK | HTTPStatus.NOT_FOUND, scopes=None):
            return good(what, "its token is accepted; --repo checks whether it may write statuses")
        case Answer(status=HTTPStatus.OK | HTTPStatus.NOT_FOUND, scopes=scopes) if scopes and scopes & MAY_WRITE:
            return good(what, "its token is accepted, and may write statuses")
        case Answer(status=HTTPStatus.OK | HTTPStatus.NOT_FOUND):
            return bad(what, "its token is accepted, but has no scope to write statuses: give it `repo:status`")
        case Answer(status, words):
            return bad(what, f"GitHub answers {status}: {words}")


async def _repository(github: Diagnostics, repository: str, name: str | None, settings: Settings) -> Finding:
    what = f"repository {repository}"
    if name is None:
        return bad(what, "REPORTBACK_CREDENTIALS names no credential for it: add a pattern that matches it")
    try:
        return may_write(what, name, await github.repository(repository, await _token_of(name, settings)))
    except NoCredential as error:
        return bad(what, str(error))


def may_write(what: str, name: str, answer: Answer | NoResponse) -> Finding:
    """Whether the owner of the credential's token may write statuses there."""
    match answer:
        case NoResponse(why):
            return bad(what, f"not asked: {why}")
        case Answer(status=HTTPStatus.OK, is_archived=True):
            return bad(what, "it is archived: unarchive it, or stop running jobs for it")
        case Answer(status=HTTPStatus.OK, may_push=True, scopes=None):
            return good(what, f"the owner of {name} may write there; the token itself needs *Commit statuses: write*")
        case Answer(status=HTTPStatus.OK, may_push=True):
            return good(what, f"{name} may write there")
        case Answer(status=HTTPStatus.OK, may_push=False):
            return bad(what, f"{name} may read it, not write there: give its owner write access")
        case Answer(status=HTTPStatus.OK):
            return good(what, f"{name} may read it; GitHub does not say whether it may write there")
        case Answer(status, words):
            return bad(what, f"GitHub answers {status} to {name}: {words}")


async def _token_of(name: str, settings: Settings) -> str:
    from console.reporter import secret_of  # noqa: PLC0415  # loads Prefect, which takes seconds

    return await secret_of(name, settings.app_keys)
