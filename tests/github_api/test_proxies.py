"""The environment's proxies, and a netrc, for the client's connections."""

import pytest
from raw_server import CREATED, REPORT, TARGET, TOKEN, Peer, github, serving

from domain.delivery.outcome import NotSent, Page, Reason
from github_api.transport import transport_to

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUEST_METHOD")


@pytest.fixture
def proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(("variable", "prefix"), [("HTTP_PROXY", "http://"), ("ALL_PROXY", "")])
async def test_the_environments_proxy_is_used(proxies: pytest.MonkeyPatch, variable: str, prefix: str) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(200, b"[]")

    async with serving(behave) as proxy:
        proxies.setenv(variable, prefix + proxy.url.removeprefix("http://"))
        async with github("http://github.test") as client:
            assert (await client.page(TARGET, TOKEN)).outcome == Page((), None)
    assert proxy.requests[0].startswith(b"GET http://github.test/repos/o/r/commits/")


@pytest.mark.parametrize("status", [403, 407, 502])
async def test_a_tunnel_that_a_proxy_refuses_was_not_sent(proxies: pytest.MonkeyPatch, status: int) -> None:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(status, b"<html>Access denied</html>")

    async with serving(behave) as proxy:
        proxies.setenv("HTTPS_PROXY", proxy.url)
        async with github("https://github.test") as client:
            sent, read = await client.create(REPORT, TOKEN), await client.page(TARGET, TOKEN)
    for outcome in (sent.outcome, read.outcome):
        assert outcome == NotSent(f"something before GitHub answered {status} x", Reason.INTERMEDIARY)
    assert all(request.startswith(b"CONNECT github.test:443 ") for request in proxy.requests)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "ghe.test"])
async def test_no_proxy_stands_before_this_machine_or_what_no_proxy_names(
    proxies: pytest.MonkeyPatch, host: str
) -> None:
    proxies.setenv("HTTP_PROXY", "socks5://127.0.0.1:9")  # would be refused if it were used
    proxies.setenv("NO_PROXY", "ghe.test")
    await transport_to(f"http://{host}:1").aclose()


def test_a_proxy_whose_sockets_would_linger_is_refused(proxies: pytest.MonkeyPatch) -> None:
    proxies.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(ValueError, match="neither http:// nor https://"):
        transport_to("https://api.github.com")


async def test_a_netrc_does_not_replace_the_token(
    proxies: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("default login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    proxies.setenv("NETRC", str(netrc))
    proxies.setenv("HOME", str(netrc.parent))

    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.answer(201, CREATED)

    async with serving(behave) as server, github(server.url) as client:
        await client.create(REPORT, TOKEN)
    assert b"\r\nAuthorization: Bearer ghp_secret\r\n" in server.requests[0]
