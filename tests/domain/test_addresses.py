"""Which parts of an address may be published, and which stay on this machine."""

import pytest

from domain.addresses import is_this_machine, names_user, without_user


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:pa55@ci.test/api", "https://ci.test/api"),
        ("https://pa55@ci.test", "https://ci.test"),
        ("HTTP://ann:@ci.test:4200/api?a=b@c#d", "HTTP://ci.test:4200/api?a=b@c#d"),
        ("http://ann:pa@55@[::1]:4200/api", "http://[::1]:4200/api"),
        ("postgresql+asyncpg://ann:pa%2F55@db/ledger", "postgresql+asyncpg://db/ledger"),
    ],
)
def test_a_user_and_a_password_are_left_out(url: str, shown: str) -> None:
    assert names_user(url)
    assert without_user(url) == shown
    assert not names_user(shown)


@pytest.mark.parametrize(
    "url",
    ["https://ci.test/@ann/x", "https://ci.test?to=ann@x", "https://ci.test#ann@x", "git@github.com:a/b", "", "@"],
)
def test_an_address_without_a_user_is_unchanged(url: str) -> None:
    assert not names_user(url)
    assert without_user(url) == url


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "::1", "[::1]"])
def test_this_machine_has_these_names(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host", ["", "localhost.example.com", "128.0.0.1", "10.0.0.1", "0.0.0.0", "::", "ghe.test"]
)  # no address to listen on
def test_any_other_host_is_elsewhere(host: str) -> None:
    assert not is_this_machine(host)
