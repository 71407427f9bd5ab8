"""The body of a reply as it comes off the wire: no more of it than may be, and nothing decompressed.

A thousand bytes of gzip can make gigabytes, in one step that no timeout ends.
"""

import httpx

AS_IT_IS = {"Accept-Encoding": "identity"}
"""What a request has to say whose reply is read here."""


async def raw_body(response: httpx.Response, most: int) -> bytes:
    """The body, or nothing if it is longer than *most* bytes.

    Raises:
        httpx.DecodingError: it came compressed, although it was asked for as it is.
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
