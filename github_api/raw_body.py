"""Reads the body of a response as received: bounded in size, and never decompressed.

A thousand bytes of gzip can expand to gigabytes, in one step that no timeout can end.
"""

import httpx

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
