"""Whether Prefect's API asks for a password is asked as a stranger, whatever the address brings."""

import pytest
import respx

from tasks.prefect_password import OpenPrefect, asks_for_a_password

URL = "http://ann:pa55word@prefect.test/api"


@pytest.mark.parametrize(("status", "asks"), [(200, False), (401, True), (403, True)])
async def test_the_user_of_an_address_is_left_out(status: int, *, asks: bool) -> None:
    with respx.mock() as net:
        route = net.get("http://prefect.test/api/admin/version").respond(status)
        assert await asks_for_a_password(URL) is asks
    assert "authorization" not in route.calls.last.request.headers


def test_an_open_server_is_named_without_the_user_of_its_address() -> None:
    assert "but http://prefect.test/api asks nobody" in str(OpenPrefect(URL))
