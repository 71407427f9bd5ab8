"""Why a Prefect server is none, told without what its address holds before the host."""

from errno import ENOENT

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from local.prefect_server import NoServer, prefect_server


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
            raise AssertionError("nobody is there")
    assert words in str(refused.value)
    assert "pa55word" not in str(refused.value)


async def test_certificates_that_cannot_be_read_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_client() -> None:
        raise FileNotFoundError(ENOENT, "No such file or directory")  # as ssl says it: without the file's name

    monkeypatch.setattr("local.prefect_server.get_client", get_client)
    with (
        temporary_settings({PREFECT_API_URL: "https://127.0.0.1:9/api"}),
        pytest.raises(NoServer, match="SSL_CERT_FILE names cannot be read: No such file or directory"),
    ):
        async with prefect_server():
            raise AssertionError("nobody is there")
