"""Whether Prefect's API asks its callers for a password."""

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
    """Jobs run as users that are not trusted, and Prefect's API would take orders from them."""

    def __init__(self, api_url: str) -> None:
        super().__init__(
            f"REPORTBACK_JOB_USER is set, but {without_user(api_url)} asks nobody for a password, so a job could order "
            "anything as the worker's user: set PREFECT_SERVER_API_AUTH_STRING for the server, and "
            "PREFECT_API_AUTH_STRING for workers and people"
        )


async def asks_for_a_password(api_url: str) -> bool:
    """Whether a caller without credentials is refused, those in the address left out. Does not follow redirects.

    It trusts what Prefect's clients do, so that no API which they use passes for one that cannot be reached.

    Raises:
        BadCertificates: the certificates to trust cannot be read.
        httpx.HTTPError: the API cannot be reached.
    """
    async with (
        httpx.AsyncClient(timeout=WITHIN.total_seconds(), verify=_as_prefect_does()) as stranger,
        stranger.stream("GET", f"{without_user(api_url)}/admin/version") as answer,  # whose body nobody reads
    ):
        return answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def _as_prefect_does() -> ssl.SSLContext | bool:
    if PREFECT_API_TLS_INSECURE_SKIP_VERIFY.value():
        return False
    named = PREFECT_API_SSL_CERT_FILE.value()
    return trusted(Path(named) if named else None, "PREFECT_API_SSL_CERT_FILE")


async def refuse_open_prefect() -> None:
    """Refuse to go on where Prefect's API takes orders from everyone. One that cannot be reached now is not judged.

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
