"""Checks that Prefect's API requires a password where jobs are not trusted."""

import ssl
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
from prefect.settings import PREFECT_API_SSL_CERT_FILE, PREFECT_API_TLS_INSECURE_SKIP_VERIFY, PREFECT_API_URL

from domain.addresses import without_user
from github_api.certificates import trusted

WITHIN = timedelta(seconds=10)


class OpenPrefect(RuntimeError):
    """Jobs run as untrusted users, and Prefect's API would accept requests from them."""

    def __init__(self, api_url: str) -> None:
        super().__init__(
            f"REPORTBACK_JOB_USER is set, but {without_user(api_url)} asks for no password, so a job could run "
            "anything as the worker's user: set PREFECT_SERVER_API_AUTH_STRING for the server, and "
            "PREFECT_API_AUTH_STRING for workers and people"
        )


async def asks_for_a_password(api_url: str) -> bool:
    """Whether a request without credentials, also those in the address, is refused. Does not follow redirects.

    It trusts the same certificates as Prefect's clients, so that an API which they reach can be reached.

    Raises:
        BadCertificates: the certificates to trust cannot be read.
        httpx.HTTPError: the API cannot be reached.
    """
    async with (
        httpx.AsyncClient(timeout=WITHIN.total_seconds(), verify=_as_prefect_does()) as stranger,
        stranger.stream("GET", f"{without_user(api_url)}/admin/version") as answer,  # the body is not read
    ):
        return answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def _as_prefect_does() -> ssl.SSLContext | bool:
    if PREFECT_API_TLS_INSECURE_SKIP_VERIFY.value():
        return False
    named = PREFECT_API_SSL_CERT_FILE.value()
    return trusted(Path(named) if named else None, "PREFECT_API_SSL_CERT_FILE")


async def refuse_open_prefect() -> None:
    """Raise OpenPrefect where Prefect's API requires no password. One that cannot be reached now is not judged.

    Raises:
        OpenPrefect: it asks for no password.
    """
    url = PREFECT_API_URL.value()
    try:
        closed = url is None or await asks_for_a_password(url)
    except httpx.HTTPError:
        return
    if not closed:
        raise OpenPrefect(url)
