"""Why an address is not a usable Prefect server, told without its user name and password."""

from errno import ENOENT
from unittest.mock import AsyncMock

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from local.no_server import NoServer
from local.prefect_server import prefect_server


@pytest.mark.parametrize(
    ("port", "words"),
    [("9", "at http://127.0.0.1:9/api cannot be reached"), ("pa55word", "PREFECT_API_URL is no address")],
)
async def test_no_refusal_shows_the_user_of_prefects_address(port: str, words: str) -> None:
    url = f"http://ann:pa55word@127.0.0.1:{port}/api"
    with (
        temporary_settings({PREFECT_API_URL: url, PREFECT_CLIENT_MAX_RETRIES: 0}),
        pytest.raises(NoServer) as refused,
    ):
        async with prefect_server():
            raise AssertionError("connection refused")
    assert words in str(refused.value)
    assert "pa55word" not in str(refused.value)


async def _left_by(raised: Exception, monkeypatch: pytest.MonkeyPatch) -> Exception:
    client = AsyncMock()
    client.__aenter__.return_value = client
    client.__aexit__.return_value = False
    monkeypatch.setattr("local.prefect_server.get_client", lambda: client)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), pytest.raises(Exception) as left:  # noqa: PT011
        async with prefect_server():
            raise raised
    client.__aexit__.assert_awaited_once()
    return left.value


@pytest.mark.parametrize("raised", [BrokenPipeError(), PermissionError(), NoServer("of the caller")])
async def test_an_error_of_the_caller_is_left_alone(monkeypatch: pytest.MonkeyPatch, raised: Exception) -> None:
    assert await _left_by(raised, monkeypatch) is raised


async def test_a_server_that_stops_answering_is_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    left = await _left_by(httpx.ConnectError("refused"), monkeypatch)
    assert isinstance(left, NoServer)
    assert str(left) == "the Prefect server at http://127.0.0.1:9/api cannot be reached: ConnectError: refused"


async def test_certificates_that_cannot_be_read_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_client() -> None:
        raise FileNotFoundError(ENOENT, "No such file or directory")  # as ssl says it: without the file's name

    monkeypatch.setattr("local.prefect_server.get_client", get_client)
    with (
        temporary_settings({PREFECT_API_URL: "https://127.0.0.1:9/api"}),
        pytest.raises(NoServer, match="SSL_CERT_FILE names cannot be read: No such file or directory") as refused,
    ):
        async with prefect_server():
            raise AssertionError("connection refused")
    assert isinstance(refused.value.__cause__, FileNotFoundError)
