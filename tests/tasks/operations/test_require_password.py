"""Whether Prefect's API asks for a password is tested without credentials, whatever the address contains."""

from pathlib import Path

import pytest
import respx
from prefect.settings import PREFECT_API_SSL_CERT_FILE, PREFECT_API_TLS_INSECURE_SKIP_VERIFY, temporary_settings

from github_api.certificates import BadCertificates
from tasks.operations.require_password import OpenPrefect, asks_for_a_password

URL = "http://ann:pa55word@prefect.test/api"


@pytest.mark.parametrize(("status", "asks"), [(200, False), (401, True), (403, True)])
async def test_the_user_of_an_address_is_left_out(status: int, *, asks: bool) -> None:
    with respx.mock() as net:
        route = net.get("http://prefect.test/api/admin/version").respond(status)
        assert await asks_for_a_password(URL) is asks
    assert "authorization" not in route.calls.last.request.headers


def test_an_open_server_is_named_without_the_user_of_its_address() -> None:
    assert "but http://prefect.test/api asks for no password" in str(OpenPrefect(URL))


async def test_it_trusts_the_certificates_that_prefects_clients_trust(tmp_path: Path) -> None:
    """Otherwise an open API with a private certificate would count as unreachable."""
    none = tmp_path / "none.pem"
    with (
        temporary_settings({PREFECT_API_SSL_CERT_FILE: str(none), PREFECT_API_TLS_INSECURE_SKIP_VERIFY: False}),
        pytest.raises(BadCertificates, match=r"PREFECT_API_SSL_CERT_FILE \(.*none\.pem\)"),
    ):
        await asks_for_a_password(URL)
