"""The HTTP/1.1 transport to GitHub: aborted requests are discarded by the kernel; a configured proxy is used.

A response's body is read as received, bounded in size and never decompressed: a thousand bytes of gzip can expand to
gigabytes, in one step that no timeout can end.
"""

import socket
import struct
from pathlib import Path
from urllib.request import getproxies, proxy_bypass

import httpx

from domain.addresses import is_this_machine
from github_api.certificates import trusted

NO_LINGER = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
"""Closing discards the send buffer. Otherwise the kernel might deliver, seconds later, a request that we gave up and
perhaps sent again. That requires a connection per request, which HTTP/2 does not have."""


def transport_to(api_url: str, ca_file: Path | None = None) -> httpx.AsyncHTTPTransport:
    """A transport for *api_url* without retries. *ca_file*: see `trusted`.

    It honours `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`, `SSL_CERT_FILE` and `SSL_CERT_DIR`, but no
    `.netrc`.

    Raises:
        BadCertificates: the certificates to trust cannot be read.
        ValueError: there is a SOCKS proxy: `NO_LINGER` cannot be set on its socket.
    """
    return httpx.AsyncHTTPTransport(
        verify=trusted(ca_file),
        http1=True,
        http2=False,
        proxy=_proxy(httpx.URL(api_url)),
        socket_options=[NO_LINGER],
    )


def _proxy(url: httpx.URL) -> str | None:
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or is_this_machine(url.host) or proxy_bypass(url.host):
        return None
    if "://" not in proxy:
        return f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise ValueError(
            "The environment names a proxy that is neither http:// nor https://: name such a one, or set NO_PROXY."
        )
    return proxy


UNCOMPRESSED = {"Accept-Encoding": "identity"}
"""Header that requests must send for their responses to be read here."""


async def raw_body(response: httpx.Response, most: int) -> bytes:
    """The body, or nothing if it is longer than *most* bytes.

    Raises:
        httpx.DecodingError: it is compressed, although that was not requested.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise httpx.DecodingError(f"the reply came compressed ({encoding}), which was not asked for and is not read")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > most:
            return b""
    return bytes(body)
